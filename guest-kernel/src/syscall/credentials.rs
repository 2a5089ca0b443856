//! System calls on who a process acts for. Numbers of users and groups are 32 bits wide.

use crate::errno::Errno;
use crate::process::with_current;

/// getuid and geteuid.
pub(super) fn getuid() -> Result<u64, Errno> {
    Ok(with_current(|process| process.credentials().uid().into()))
}

/// getgid and getegid.
pub(super) fn getgid() -> Result<u64, Errno> {
    Ok(with_current(|process| process.credentials().gid().into()))
}

pub(super) fn setuid(uid: u64) -> Result<u64, Errno> {
    with_current(|process| process.credentials().set_uid(uid as u32)).map(|()| 0)
}

pub(super) fn setgid(gid: u64) -> Result<u64, Errno> {
    with_current(|process| process.credentials().set_gid(gid as u32)).map(|()| 0)
}
