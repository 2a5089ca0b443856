//! Waiting until files are ready.
#![allow(unsafe_code, reason = "system calls that take structures")]

use abi::linux::poll::PollFd;
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// poll(fds, timeout): how many are ready; their answers are in `fds`. A negative timeout is none.
pub fn poll(fds: &mut [PollFd], timeout_ms: i32) -> Result<u64, Errno> {
    // SAFETY: the kernel writes the answers in `fds`, which is ours alone.
    unsafe {
        syscall(
            number::POLL,
            [
                fds.as_mut_ptr() as u64,
                fds.len() as u64,
                i64::from(timeout_ms) as u64,
            ],
        )
    }
}

/// As [`poll`], at an address at which there need be nothing, with any count.
///
/// # Safety
///
/// No Rust object lies there.
pub unsafe fn poll_at(address: u64, count: u64, timeout_ms: i32) -> Result<u64, Errno> {
    // SAFETY: the caller answers for memory.
    unsafe { syscall(number::POLL, [address, count, i64::from(timeout_ms) as u64]) }
}
