//! Calls that no library has a name for: by number, those of the shadow page table, and failures that are ordered.
#![allow(unsafe_code, reason = "system calls by number")]

use abi::PAGE_SIZE;
use abi::linux::errno::EINVAL;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::syscall::{Errno, by_number};
use guest_user::{FailNth, Span};

use crate::transport::Transport;

pub(crate) fn system_call(transport: &mut impl Transport) -> Result<u64, Errno> {
    let number = transport.argument(0);
    let arguments = [1, 2, 3, 4, 5].map(|index| transport.argument(index));
    // SAFETY: the VMM asks for no call that changes the agent's own memory.
    unsafe { by_number(number, arguments) }
}

pub(crate) fn shadowpt_open(transport: &mut impl Transport) -> Result<u64, Errno> {
    let calls = ShadowPt::at(transport.argument(0));
    let target = transport.argument(1) as i32;
    let [start, end] = [2, 3].map(|index| transport.argument(index));
    // SAFETY: the VMM gives addresses at which no Rust object lies.
    let entries = unsafe { Span::at(transport.argument(4), PAGE_SIZE) };
    let shown_end = calls.open(target, start, end, entries)?;
    transport.value(shown_end);
    Ok(0)
}

/// Has a request for memory fail.
pub(crate) fn fail_nth(nth: u64) -> Result<u64, Errno> {
    let nth = u32::try_from(nth).map_err(|_| Errno(EINVAL))?;
    let file = FailNth::open()?;
    let written = file.set(nth);
    file.close()?;
    written.map(|()| 0)
}
