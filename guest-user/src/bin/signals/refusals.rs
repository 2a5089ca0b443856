//! Arguments that rt_sigtimedwait refuses.
#![allow(unsafe_code, reason = "passes addresses at which there is nothing")]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ};
use abi::linux::process::{SIGKILL, SIGUSR1};
use abi::linux::signal::SIGSET_BYTES;
use guest_user::Span;
use guest_user::syscall::Outcome;
use guest_user::syscall::signal::{SignalSet, block, unblock, wait_at};
use guest_user::syscall::time::Timespec;

use crate::{fact, send_self, take};

static NO_TIME: Timespec = Timespec {
    seconds: 0,
    nanoseconds: 0,
};

pub(crate) fn facts() {
    let usual = SignalSet::of(&[SIGUSR1]);
    block(usual).expect("rt_sigprocmask");
    let set = &raw const usual.0 as u64;
    let no_time = &raw const NO_TIME as u64;
    let no_access = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE)
        .expect("mmap")
        .address();
    let read_only = Span::map(PAGE_SIZE, PROT_READ, MAP_PRIVATE)
        .expect("mmap")
        .address();
    let case = |what, arguments| {
        // SAFETY: no Rust object lies at the addresses for the info: there is none, or a span.
        fact(what, Outcome::from(unsafe { wait_at(arguments) }));
    };

    case("a set of 4 bytes", [set, 0, no_time, 4]);
    case("no set", [0, 0, no_time, SIGSET_BYTES]);
    case("a set that cannot be read", [no_access, 0, no_time, SIGSET_BYTES]);
    case("a time that cannot be read", [set, 0, no_access, SIGSET_BYTES]);
    for (what, seconds, nanoseconds) in [
        ("negative seconds", -1, 0),
        ("negative nanoseconds", 0, -1),
        ("a second of nanoseconds", 0, 1_000_000_000),
    ] {
        let time = Timespec { seconds, nanoseconds };
        case(what, [set, 0, &raw const time as u64, SIGSET_BYTES]);
    }
    case("the info is not wanted", [set, 0, no_time, SIGSET_BYTES]);
    send_self(SIGUSR1);
    case("nor with a signal", [set, 0, no_time, SIGSET_BYTES]);
    send_self(SIGUSR1);
    case(
        "info to memory that cannot be written",
        [set, read_only, no_time, SIGSET_BYTES],
    );
    fact("the signal is gone all the same", take(&[SIGUSR1]));
    fact("SIGKILL cannot be waited for", take(&[SIGKILL]));
    unblock(usual).expect("rt_sigprocmask");
}
