//! Time: how much has passed, and letting some pass.
#![allow(unsafe_code, reason = "system calls that take structures")]

use core::time::Duration;

use abi::linux::process::{CLOCK_MONOTONIC, TIMER_ABSTIME};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// `struct timespec`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timespec {
    /// Whole seconds.
    pub seconds: i64,
    /// And nanoseconds, less than a second.
    pub nanoseconds: i64,
}

impl From<Duration> for Timespec {
    fn from(duration: Duration) -> Self {
        Self {
            seconds: duration.as_secs() as i64,
            nanoseconds: i64::from(duration.subsec_nanos()),
        }
    }
}

/// clock_gettime(CLOCK_MONOTONIC)
pub fn now() -> Result<Duration, Errno> {
    let mut time = Timespec::default();
    // SAFETY: the kernel writes to `time` alone.
    unsafe { syscall(number::CLOCK_GETTIME, [CLOCK_MONOTONIC, &raw mut time as u64]) }?;
    Ok(Duration::new(time.seconds as u64, time.nanoseconds as u32))
}

/// As [`nanosleep`], for those who know that it is a time.
///
/// # Panics
///
/// When the kernel refuses.
pub fn sleep(time: Duration) {
    nanosleep(time.into()).expect("nanosleep");
}

/// nanosleep(time, remaining): what is left of it when a handler ends it early.
pub fn nanosleep_remaining(time: Timespec, remaining: &mut Timespec) -> Result<u64, Errno> {
    let arguments = [&raw const time as u64, core::ptr::from_mut(remaining) as u64];
    // SAFETY: the kernel reads `time` and writes to `remaining` alone.
    unsafe { syscall(number::NANOSLEEP, arguments) }
}

/// clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, moment)
pub fn sleep_until(moment: Duration) -> Result<u64, Errno> {
    let moment = Timespec::from(moment);
    let arguments = [CLOCK_MONOTONIC, TIMER_ABSTIME, &raw const moment as u64, 0];
    // SAFETY: the kernel reads `moment` alone.
    unsafe { syscall(number::CLOCK_NANOSLEEP, arguments) }
}

/// nanosleep(time)
pub fn nanosleep(time: Timespec) -> Result<u64, Errno> {
    // SAFETY: the kernel only reads `time`; what is left of it is not wanted.
    unsafe { syscall(number::NANOSLEEP, [&raw const time as u64, 0]) }
}
