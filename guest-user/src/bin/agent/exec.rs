//! Running a program as a child.
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::{CStr, c_char};

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::{E2BIG, EINVAL};
use abi::operation::EXEC_FAILED;
use guest_user::syscall::Errno;
use guest_user::syscall::process::{self, Fork};

use crate::transport::Transport;

/// Most strings in one argument list, path included.
const MAX_STRINGS: usize = 63;

/// Runs the program and waits for it. Kept out of line, so that the buffers take stack only here.
#[inline(never)]
pub(crate) fn exec(transport: &mut impl Transport) -> Result<u64, Errno> {
    let payload_bytes = transport.argument(0);
    let string_count = transport.argument(1);
    if payload_bytes > MAX_TRANSFER_BYTES || string_count == 0 {
        return Err(Errno(EINVAL));
    }
    if string_count > MAX_STRINGS as u64 {
        return Err(Errno(E2BIG));
    }

    let mut strings = [0; MAX_TRANSFER_BYTES as usize];
    let strings = &mut strings[..payload_bytes as usize];
    for chunk in strings.chunks_mut(size_of::<u64>()) {
        chunk.copy_from_slice(&transport.payload().to_le_bytes()[..chunk.len()]);
    }
    run(strings, string_count as usize).map(|ended| {
        transport.value(u64::from(ended.status.0));
        ended.pid as u64
    })
}

fn run(strings: &[u8], count: usize) -> Result<process::Ended, Errno> {
    let mut argv = [core::ptr::null::<c_char>(); MAX_STRINGS + 1];
    let mut rest = strings;
    for pointer in &mut argv[..count] {
        let string = CStr::from_bytes_until_nul(rest).map_err(|_| Errno(EINVAL))?;
        *pointer = string.as_ptr();
        rest = &rest[string.count_bytes() + 1..];
    }
    let path = CStr::from_bytes_until_nul(strings).map_err(|_| Errno(EINVAL))?;

    match process::fork()? {
        Fork::Child => {
            // SAFETY: the loop above filled `count` entries with strings of `strings`; the one after them is null.
            let _ = unsafe { process::execve(path, &argv[..=count]) };
            process::exit(EXEC_FAILED)
        }
        Fork::Parent(child) => {
            Ok(process::wait(child, 0)?.expect("without WNOHANG wait4 returns only with an ended child"))
        }
    }
}
