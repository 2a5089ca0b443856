//! Who this process acts for.
#![allow(unsafe_code, reason = "system calls")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// getuid()
#[must_use]
pub fn user_id() -> u32 {
    ask(number::GETUID)
}

/// geteuid()
#[must_use]
pub fn effective_user_id() -> u32 {
    ask(number::GETEUID)
}

/// getgid()
#[must_use]
pub fn group_id() -> u32 {
    ask(number::GETGID)
}

/// getegid()
#[must_use]
pub fn effective_group_id() -> u32 {
    ask(number::GETEGID)
}

/// setuid(uid)
pub fn set_user_id(uid: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::SETUID, [uid.into()]) }.map(drop)
}

/// setgid(gid)
pub fn set_group_id(gid: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::SETGID, [gid.into()]) }.map(drop)
}

fn ask(number: u64) -> u32 {
    // SAFETY: no memory is involved. The call cannot fail.
    unsafe { syscall(number, []) }.map_or(u32::MAX, |id| id as u32)
}
