//! Calls that no library has a name for: by number, those of the shadow page table, and failures that are ordered.
#![allow(unsafe_code, reason = "system calls by number")]

use abi::linux::errno::EINVAL;
use abi::shadowpt::{ShadowPte, UserShadowPt};
use guest_user::FailNth;
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::syscall::{Errno, by_number};

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
    let mut request = UserShadowPt {
        start_vaddr: transport.argument(2),
        end_vaddr: transport.argument(3),
        entries: transport.argument(4) as *mut ShadowPte,
    };
    let elsewhere = transport.argument(5);
    let dest = match elsewhere {
        0 => &raw mut request as u64,
        address => address,
    };
    // SAFETY: the kernel changes the structure, which is lent to it, and the entries, where no Rust object lies.
    unsafe { calls.open_at(target, dest) }?;
    transport.value(request.end_vaddr);
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
