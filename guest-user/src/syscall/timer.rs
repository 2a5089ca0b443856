//! The timer that sends SIGALRM.
#![allow(unsafe_code, reason = "system calls that take structures")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// `struct itimerval`, in seconds and microseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// From one time to the next; zeros for once only.
    pub interval: [i64; 2],
    /// Until the first time; zeros for never.
    pub value: [i64; 2],
}

/// setitimer(which, timer): the one from before.
pub fn set_timer(which: u64, timer: Timer) -> Result<Timer, Errno> {
    let mut old = Timer::default();
    let arguments = [which, &raw const timer as u64, &raw mut old as u64];
    // SAFETY: the kernel reads `timer` and writes to `old` alone.
    unsafe { syscall(number::SETITIMER, arguments) }?;
    Ok(old)
}

/// getitimer(which)
pub fn timer(which: u64) -> Result<Timer, Errno> {
    let mut timer = Timer::default();
    // SAFETY: the kernel writes to `timer` alone.
    unsafe { syscall(number::GETITIMER, [which, &raw mut timer as u64]) }?;
    Ok(timer)
}

/// alarm(seconds): the seconds that were left.
pub fn alarm(seconds: u32) -> Result<u64, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::ALARM, [seconds.into()]) }
}
