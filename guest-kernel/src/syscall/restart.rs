//! restart_syscall: what the kernel has a program call when a signal has interrupted one that cannot just be made again.

use super::{poll, time};
use crate::errno::Errno;
use crate::process::{Restart, Thread, with_thread};
use crate::sched::futex;

/// A program that calls it without being told to gets EINTR, as on Linux.
pub(super) fn restart_syscall() -> Result<u64, Errno> {
    match with_thread(Thread::take_restart) {
        None => Err(Errno::EINTR),
        Some(Restart::Sleep { until, remaining }) => time::sleep_for(until, remaining),
        Some(Restart::Futex {
            word,
            expected,
            deadline,
            classes,
        }) => futex::wait(word, expected, Some(deadline), classes).map(|()| 0),
        Some(Restart::Poll {
            descriptors,
            count,
            deadline,
        }) => poll::poll_until(descriptors, count, deadline),
    }
}
