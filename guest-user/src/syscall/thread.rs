//! Threads of this process. [`crate::thread`] makes them.
#![allow(unsafe_code, reason = "system calls that end a thread and set its registers")]

use abi::linux::process::{ARCH_GET_FS, ARCH_SET_FS};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// gettid()
#[must_use]
pub fn thread_id() -> i32 {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::GETTID, []) }.map_or(0, |tid| tid as i32)
}

/// exit(status): ends the calling thread, and the process when it was the last one.
pub fn exit_thread(status: i32) -> ! {
    // SAFETY: nothing of this thread is used again.
    let result = unsafe { syscall(number::EXIT, [status as u64]) };
    // A kernel that returns from here is broken; a panic would only come back.
    let _ = result;
    loop {
        super::process::sched_yield();
    }
}

/// arch_prctl(ARCH_SET_FS, address). Safe, since nothing here is addressed through FS but by [`crate::thread`].
pub fn set_fs_base(address: u64) -> Result<(), Errno> {
    // SAFETY: no Rust object is addressed through FS.
    unsafe { syscall(number::ARCH_PRCTL, [ARCH_SET_FS, address]) }.map(drop)
}

/// arch_prctl(ARCH_GET_FS)
pub fn fs_base() -> Result<u64, Errno> {
    let mut address: u64 = 0;
    // SAFETY: the kernel writes to `address` alone.
    unsafe { syscall(number::ARCH_PRCTL, [ARCH_GET_FS, &raw mut address as u64]) }?;
    Ok(address)
}
