//! SIGCHLD, and children of whom nobody wants to know.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};
use core::time::Duration;

use abi::linux::process::{SIGCHLD, SIGKILL, WNOHANG};
use abi::linux::signal::{SA_NOCLDWAIT, SA_RESTART};
use guest_user::child;
use guest_user::syscall::handler::{Action, Context, Information};
use guest_user::syscall::process::{self, ANY_CHILD, WaitOutcome};
use guest_user::syscall::{Errno, Outcome, time};

use crate::{CODE, fact, on, record, runs, runs_then, send_self};

const SOON: Duration = Duration::from_millis(20);
/// Longer than that by far.
const LONG: Duration = Duration::from_secs(5);

static CHILD: AtomicI32 = AtomicI32::new(0);
static STATUS: AtomicU32 = AtomicU32::new(0);

extern "C" fn record_child(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    CHILD.store(information.pid(), SeqCst);
    STATUS.store(information.status(), SeqCst);
}

pub(crate) fn facts() {
    on(SIGCHLD, Action::run(record_child).with(SA_RESTART));
    let exits = child::start(|| process::exit(7));
    fact("wait4 is not interrupted", WaitOutcome(process::wait(exits, 0)));
    fact("the handler ran", runs());
    fact("the code", CODE.load(SeqCst));
    fact("the status", STATUS.load(SeqCst));
    fact("the child's number", CHILD.load(SeqCst) == exits);
    let killed = child::start(|| send_self(SIGKILL));
    fact("a child that is killed", WaitOutcome(process::wait(killed, 0)));
    fact("the code", CODE.load(SeqCst));
    fact("the status", STATUS.load(SeqCst));
    runs();
    // On a busy machine the child can have ended before the sleep begins: then it is given longer.
    let mut soon = SOON;
    let (slept, child) = loop {
        let exits = child::start(|| {
            time::sleep(soon);
            process::exit(7);
        });
        let slept = time::nanosleep(LONG.into());
        let child = process::wait(exits, WNOHANG);
        if slept.is_err() || soon > LONG {
            break (slept, child);
        }
        soon *= 4;
    };
    fact("a sleep is interrupted", Outcome::from(slept));
    fact("the child is there", WaitOutcome(child));
    runs();

    let zombie = child::start(|| process::exit(6));
    runs_then();
    on(SIGCHLD, Action::IGNORE);
    fact(
        "one from before SIGCHLD is ignored",
        WaitOutcome(process::wait(zombie, 0)),
    );
    on(SIGCHLD, Action::DEFAULT);
}

/// Children that leave no zombie.
pub(crate) fn unwanted() {
    on(SIGCHLD, Action::IGNORE);
    none_waits("ignored");
    on(SIGCHLD, Action::run(record).with(SA_NOCLDWAIT | SA_RESTART));
    none_waits("SA_NOCLDWAIT");
    // Of three signals, two at once are one.
    fact("the handler ran", runs().min(2));
    on(SIGCHLD, Action::DEFAULT);
    let status = child::run(|| {
        on(SIGCHLD, Action::IGNORE);
        let _ = child::start(|| time::sleep(SOON));
        process::exit(5);
    });
    fact("a parent that goes before its child", status);
}

fn none_waits(what: &str) {
    let first = child::start(|| process::exit(7));
    fact(what, WaitOutcome(process::wait(first, 0)));
    let before = time::now().expect("clock_gettime");
    let sleeps = child::start(|| {
        time::sleep(3 * SOON);
    });
    let _ = child::start(|| process::exit(8));
    fact(
        "two, one of whom sleeps",
        WaitOutcome(process::wait(ANY_CHILD, 0)),
    );
    let after = time::now().expect("clock_gettime");
    fact("both were waited for", after - before >= 3 * SOON);
    fact("it is gone", Outcome::from(is_there(sleeps)));
    fact("nobody is left", WaitOutcome(process::wait(ANY_CHILD, WNOHANG)));
}

/// Whether there is a process. Linux says that no child is left while the last one is about to go, so it has some time for that.
fn is_there(process: i32) -> Result<u64, Errno> {
    let before = time::now().expect("clock_gettime");
    loop {
        let answer = process::kill(process, 0);
        let waited = time::now().expect("clock_gettime") - before;
        if answer.is_err() || waited > LONG {
            break answer;
        }
        process::sched_yield();
    }
}
