//! Process groups.
#![allow(unsafe_code, reason = "system calls")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// setpgid(pid, group): 0 is the caller, and the group that is named after the process.
pub fn set_group(pid: i32, group: i32) -> Result<(), Errno> {
    let arguments = [pid, group].map(|number| i64::from(number) as u64);
    // SAFETY: no memory is involved.
    unsafe { syscall(number::SETPGID, arguments) }.map(drop)
}

/// getpgid(pid)
pub fn group_of(pid: i32) -> Result<i32, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::GETPGID, [i64::from(pid) as u64]) }.map(|group| group as i32)
}

/// getpgrp()
#[must_use]
pub fn own_group() -> i32 {
    // SAFETY: no memory is involved. The call cannot fail.
    unsafe { syscall(number::GETPGRP, []) }.map_or(0, |group| group as i32)
}
