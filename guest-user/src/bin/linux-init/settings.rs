//! Settings of the kernel that a run depends on.

use core::ffi::CStr;

use abi::linux::errno::ENOENT;
use abi::linux::syscall::O_WRONLY;
use guest_user::syscall::{Errno, file};

use crate::{Failure, failed};

/// Each with its value. A kernel that was built without one has nothing to set.
const SETTINGS: &[(&CStr, &[u8])] = &[
    // Agents take turns and are never idle, so a tenth of the time is for the kernel's own threads, which come after them: a driver's device
    // file, for one, is made by such a thread. It comes in short pieces, so that nobody waits long.
    (c"/proc/sys/kernel/sched_rt_runtime_us", b"90000"),
    (c"/proc/sys/kernel/sched_rt_period_us", b"100000"),
    // Turns are short, so that agents come round soon when a program computes.
    (c"/proc/sys/kernel/sched_rr_timeslice_ms", b"10"),
    // Each fault that ends a process stands in the log, and the log goes to the first serial port.
    (c"/proc/sys/kernel/printk_ratelimit", b"0"),
    (c"/proc/sys/kernel/printk", b"7"),
    (c"/proc/sys/debug/exception-trace", b"1"),
];

pub(crate) fn make() -> Result<(), Failure> {
    for (path, value) in SETTINGS {
        match write(path, value) {
            Ok(()) | Err(Errno(ENOENT)) => {}
            Err(errno) => return Err(failed(path)(errno)),
        }
    }
    Ok(())
}

fn write(path: &CStr, value: &[u8]) -> Result<(), Errno> {
    let file = file::open(path, O_WRONLY)?;
    let written = file::write(file, value);
    file::close(file)?;
    written.map(drop)
}
