//! Clocks and sleep.
#![allow(unsafe_code, reason = "system calls that take a time by address")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Time {
    seconds: u64,
    nanoseconds: u64,
}

/// nanosleep(duration)
pub fn nanosleep(nanoseconds: u64) -> Result<u64, Errno> {
    let duration = Time {
        seconds: nanoseconds / SECOND,
        nanoseconds: nanoseconds % SECOND,
    };
    // SAFETY: the kernel only reads `duration`, and without a second address it writes nothing.
    unsafe { syscall(number::NANOSLEEP, [&raw const duration as u64, 0]) }
}

/// clock_gettime(clock): nanoseconds since the clock's zero.
pub fn clock_gettime(clock: u64) -> Result<u64, Errno> {
    let mut now = Time::default();
    // SAFETY: the kernel writes to `now` alone.
    unsafe { syscall(number::CLOCK_GETTIME, [clock, &raw mut now as u64]) }?;
    Ok(now.seconds * SECOND + now.nanoseconds)
}
