//! Calls that no library has a name for: by number, those of the shadow page table, and failures that are ordered.
#![allow(unsafe_code, reason = "system calls by number")]

use abi::linux::syscall::O_RDWR;
use abi::shadowpt::{ShadowPte, UserShadowPt};
use guest_user::syscall::{Errno, by_number, file};

use crate::transport::Transport;

/// Longest number in decimal.
const DIGITS: usize = 20;

pub(crate) fn system_call(transport: &mut impl Transport) -> Result<u64, Errno> {
    let number = transport.argument(0);
    let arguments = [1, 2, 3, 4, 5].map(|index| transport.argument(index));
    // SAFETY: the VMM asks for no call that changes the agent's own memory.
    unsafe { by_number(number, arguments) }
}

pub(crate) fn shadowpt_open(transport: &mut impl Transport) -> Result<u64, Errno> {
    let number = transport.argument(0);
    let target = transport.argument(1);
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
    unsafe { by_number(number, [target, dest, 0, 0, 0]) }?;
    transport.value(request.end_vaddr);
    Ok(0)
}

/// Writes the number to the file in which Linux, too, takes such orders.
pub(crate) fn fail_nth(nth: u64) -> Result<u64, Errno> {
    let fd = file::open(c"/proc/self/fail-nth", O_RDWR)?;
    let mut digits = [0; DIGITS];
    let mut start = DIGITS;
    let mut rest = nth;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let written = file::write(fd, &digits[start..]);
    file::close(fd)?;
    written.map(|_| 0)
}
