//! Sleeping until a word changes. Words are not marked private, so they may lie in memory that processes share, and the
//! word that the kernel clears at a thread's end is one too.
#![allow(unsafe_code, reason = "system calls that take addresses of words")]

use core::sync::atomic::AtomicU32;

use abi::linux::process::{FUTEX_WAIT, FUTEX_WAKE};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;
use super::time::Timespec;

/// futex(FUTEX_WAIT): sleeps while the word holds `expected`, until it is woken or `timeout` is over. May also return for
/// no reason.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Option<Timespec>) -> Result<(), Errno> {
    wait_at(word.as_ptr() as u64, expected, timeout)
}

/// As [`wait`], for a word at an address at which there need be none.
pub fn wait_at(address: u64, expected: u32, timeout: Option<Timespec>) -> Result<(), Errno> {
    let timeout = timeout
        .as_ref()
        .map_or(0, |time| core::ptr::from_ref(time) as u64);
    // SAFETY: the kernel only reads the word and the time, and answers EFAULT where it cannot.
    unsafe { syscall(number::FUTEX, [address, FUTEX_WAIT, u64::from(expected), timeout]) }.map(drop)
}

/// futex(FUTEX_WAKE): wakes at most `count` who sleep on the word, and says how many.
pub fn wake(word: &AtomicU32, count: u32) -> Result<u32, Errno> {
    // SAFETY: no memory is touched.
    unsafe {
        syscall(
            number::FUTEX,
            [word.as_ptr() as u64, FUTEX_WAKE, u64::from(count)],
        )
    }
    .map(|woken| woken as u32)
}
