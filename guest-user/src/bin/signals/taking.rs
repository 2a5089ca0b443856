//! rt_sigtimedwait of what is pending, and of what comes later.

use core::time::Duration;

use abi::linux::process::{SIGCHLD, SIGINT, SIGKILL, SIGSEGV, SIGUSR1, SIGUSR2};
use guest_user::child;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::signal::{SignalSet, block, unblock, wait_for};
use guest_user::syscall::time;

use crate::{Outcome, fact, send_self, take, take_within};

/// The window has another size; ignored by default.
const SIGWINCH: u32 = 28;
const BRIEFLY: Duration = Duration::from_millis(20);

pub(crate) fn facts() {
    let all = [SIGINT, SIGUSR1, SIGUSR2, SIGSEGV, SIGWINCH];
    let old = block(SignalSet::of(&all)).expect("rt_sigprocmask");
    fact("nothing is blocked at first", old == SignalSet::default());
    fact("nothing is pending", take(&all));

    send_self(SIGUSR1);
    fact("a signal that was not asked for", take(&[SIGUSR2]));
    let taken = Outcome(wait_for(SignalSet::of(&[SIGUSR1]), None));
    fact("the one that was sent", &taken);
    if let Outcome(Ok(taken)) = taken {
        fact("its code", taken.code);
        fact("it comes from here", taken.pid == process::process_id());
    }
    fact("it is gone", take(&all));

    send_self(SIGUSR1);
    send_self(SIGUSR1);
    fact("sent twice", take(&all));
    fact("it was pending once", take(&all));

    for signal in [SIGUSR2, SIGUSR1, SIGSEGV, SIGINT] {
        send_self(signal);
    }
    for nth in ["first", "second", "third", "fourth"] {
        fact(nth, take(&all));
    }

    send_self(SIGWINCH);
    fact("one that is ignored by default", take(&all));

    let before = time::now().expect("clock_gettime");
    fact("none comes in time", take_within(&all, BRIEFLY));
    let after = time::now().expect("clock_gettime");
    fact("the time was over", after - before >= BRIEFLY);

    from_a_child();
    unblock(SignalSet::of(&all)).expect("rt_sigprocmask");
}

fn from_a_child() {
    let parent = process::process_id();
    let sender = child::start(|| {
        process::kill(parent, SIGUSR1.into()).expect("kill");
    });
    let taken = wait_for(SignalSet::of(&[SIGUSR1]), None).expect("rt_sigtimedwait");
    fact("a child's signal", taken);
    fact("it comes from the child", taken.pid == sender);
    fact("the child", WaitOutcome(process::wait(sender, 0)));

    let ends = SignalSet::of(&[SIGCHLD]);
    block(ends).expect("rt_sigprocmask");
    let exits = child::start(|| process::exit(7));
    let taken = wait_for(ends, None).expect("rt_sigtimedwait");
    fact("a child's end", taken);
    fact("the code of an exit", taken.code);
    fact("its status", taken.status);
    fact("it is the child's", taken.pid == exits);
    fact("the child", WaitOutcome(process::wait(exits, 0)));

    let killed = child::start(|| send_self(SIGKILL));
    let taken = wait_for(ends, None).expect("rt_sigtimedwait");
    fact("the code of an end by a signal", taken.code);
    fact("which one", taken.status);
    fact("the child", WaitOutcome(process::wait(killed, 0)));
    unblock(ends).expect("rt_sigprocmask");
}
