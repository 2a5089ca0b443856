//! Signals that wait: blocked, pending, taken, and acting when they are blocked no more. One fact a line.
#![no_std]
#![no_main]

mod inheritance;
mod refusals;
mod taking;
mod threads;
mod unblocking;

use core::fmt;
use core::time::Duration;

use guest_user::facts::{fact, section};
use guest_user::syscall::Errno;
use guest_user::syscall::signal::{SignalSet, Taken, send_self, wait_for};
use guest_user::syscall::time::Timespec;
use guest_user::{Arguments, println, program};

program!(main);

fn main(arguments: Arguments) -> i32 {
    if inheritance::is_after_execve(arguments) {
        return inheritance::after_execve();
    }
    section("taking", taking::facts);
    section("unblocking", unblocking::facts);
    section("threads", threads::facts);
    section("refusals", refusals::facts);
    println!("inheritance");
    inheritance::facts(arguments);
    0
}

/// What there is to take at once.
fn take(signals: &[u32]) -> Outcome {
    take_within(signals, Duration::ZERO)
}

fn take_within(signals: &[u32], timeout: Duration) -> Outcome {
    Outcome(wait_for(SignalSet::of(signals), Some(Timespec::from(timeout))))
}

/// What came of a wait, for people.
struct Outcome(Result<Taken, Errno>);

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(taken) => taken.fmt(formatter),
            Err(errno) => errno.fmt(formatter),
        }
    }
}
