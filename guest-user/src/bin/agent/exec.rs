//! Running a program: as a child, or in place of this one.
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::{CStr, c_char};

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::errno::{E2BIG, EINVAL};
use abi::operation::EXEC_FAILED;
use guest_user::syscall::Errno;
use guest_user::syscall::process::{self, LIBC_SETTING};

use crate::transport::Transport;

/// Most strings in one argument list, path included.
const MAX_STRINGS: usize = 63;
/// Most settings that a program's environment gets beside the one for libc.
const MAX_SETTINGS: usize = 2;
/// An address that is never mapped: no kernel gives out page 0.
const UNMAPPED: u64 = 0;

/// Runs the program and waits for it. Kept out of line, so that the buffers take stack only here.
#[inline(never)]
pub(crate) fn exec(transport: &mut impl Transport) -> Result<u64, Errno> {
    let setting_count = transport.argument(2);
    let ended = with_arguments(transport, setting_count, |path, argv, [first, second]| {
        let environment = [LIBC_SETTING.as_ptr(), first, second, core::ptr::null()];
        // SAFETY: `argv` is what `with_arguments` made, and the environment ends with a null pointer too. Both stay until the child
        // has ended.
        let child = unsafe { process::spawn(path, argv, &environment, EXEC_FAILED) }?;
        Ok(process::wait(child, 0)?.expect("without WNOHANG wait4 returns only with an ended child"))
    })?;
    transport.value(u64::from(ended.status.0));
    Ok(ended.pid as u64)
}

/// Runs the program in place of this one. Returns only when it failed.
#[inline(never)]
pub(crate) fn execve(transport: &mut impl Transport) -> Errno {
    let path_is_unmapped = transport.argument(2) != 0;
    let failed = with_arguments(transport, 0, |path, argv, _| {
        let path = if path_is_unmapped {
            UNMAPPED
        } else {
            path.as_ptr() as u64
        };
        // SAFETY: `argv` is what `with_arguments` made.
        Ok(unsafe { process::execve_at(path, argv) })
    });
    failed.unwrap_or_else(|errno| errno)
}

/// Hands `run` the operation's path and argument list, which ends with a null pointer after NUL-terminated strings, and the settings
/// that follow them, with null pointers in the places of those that there are not.
#[inline(always)]
fn with_arguments<T>(
    transport: &mut impl Transport,
    setting_count: u64,
    run: impl FnOnce(&CStr, &[*const c_char], [*const c_char; MAX_SETTINGS]) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let payload_bytes = transport.argument(0);
    let string_count = transport.argument(1);
    if payload_bytes > MAX_TRANSFER_BYTES || string_count == 0 {
        return Err(Errno(EINVAL));
    }
    if string_count > MAX_STRINGS as u64 || setting_count > MAX_SETTINGS as u64 {
        return Err(Errno(E2BIG));
    }

    let mut strings = [0; MAX_TRANSFER_BYTES as usize];
    let strings = &mut strings[..payload_bytes as usize];
    for chunk in strings.chunks_mut(size_of::<u64>()) {
        chunk.copy_from_slice(&transport.payload().to_le_bytes()[..chunk.len()]);
    }

    let mut argv = [core::ptr::null::<c_char>(); MAX_STRINGS + 1];
    let mut rest = &*strings;
    let mut next_string = || {
        let string = CStr::from_bytes_until_nul(rest).map_err(|_| Errno(EINVAL))?;
        rest = &rest[string.count_bytes() + 1..];
        Ok::<_, Errno>(string)
    };
    for pointer in &mut argv[..string_count as usize] {
        *pointer = next_string()?.as_ptr();
    }
    let mut settings = [core::ptr::null(); MAX_SETTINGS];
    for pointer in &mut settings[..setting_count as usize] {
        *pointer = next_string()?.as_ptr();
    }
    let path = CStr::from_bytes_until_nul(strings).map_err(|_| Errno(EINVAL))?;
    run(path, &argv[..=string_count as usize], settings)
}
