//! What becomes of pending signals that are blocked no more. Each case is a child's.

use abi::linux::process::{SIGCHLD, SIGKILL, SIGSTOP, SIGTERM, SIGUSR1};
use abi::linux::signal::SIG_SETMASK;
use guest_user::child;
use guest_user::syscall::process;
use guest_user::syscall::signal::{SignalSet, block, change_mask, unblock};

use crate::{fact, send_self, take};

pub(crate) fn facts() {
    let case = |what, body: fn()| fact(what, child::run(body));
    case("blocked", || {
        block_and_send(SIGTERM);
        process::exit(3)
    });
    case("unblocked", || {
        block_and_send(SIGTERM);
        unblock(SignalSet::of(&[SIGTERM])).expect("rt_sigprocmask");
        process::exit(3)
    });
    case("another one is unblocked", || {
        block_and_send(SIGTERM);
        unblock(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
        process::exit(3)
    });
    case("another mask", || {
        block_and_send(SIGTERM);
        change_mask(SIG_SETMASK, SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
        process::exit(3)
    });
    case("taken before", || {
        block_and_send(SIGTERM);
        let _ = take(&[SIGTERM]);
        unblock(SignalSet::of(&[SIGTERM])).expect("rt_sigprocmask");
        process::exit(3)
    });
    case("ignored by default", || {
        block_and_send(SIGCHLD);
        unblock(SignalSet::of(&[SIGCHLD])).expect("rt_sigprocmask");
        process::exit(3)
    });
    case("SIGKILL is not blocked", || {
        block_and_send(SIGKILL);
        process::exit(3)
    });
    block(SignalSet::of(&[SIGKILL, SIGSTOP, SIGUSR1])).expect("rt_sigprocmask");
    let mask = unblock(SignalSet(u64::MAX)).expect("rt_sigprocmask");
    fact("SIGKILL is in no mask", !mask.contains(SIGKILL));
    fact("nor is SIGSTOP", !mask.contains(SIGSTOP));
    fact("SIGUSR1 was", mask.contains(SIGUSR1));
}

fn block_and_send(signal: u32) {
    block(SignalSet::of(&[signal])).expect("rt_sigprocmask");
    send_self(signal);
}
