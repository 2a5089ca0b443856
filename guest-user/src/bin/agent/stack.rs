//! Growing the stack.
#![allow(unsafe_code, reason = "moves the stack pointer")]

use core::arch::asm;

use abi::PAGE_SIZE;

use crate::transport::Transport;

/// Touches pages below the stack's current one, with RSP on the page that is stored to: a kernel may take a store far
/// below RSP for a stray one.
pub(crate) fn touch(transport: &mut impl Transport) -> u64 {
    let pages = transport.argument(0);
    let byte = transport.argument(1) as u8;
    let lowest_page: u64;
    // SAFETY: everything stored to lies below all frames of the stack, where nothing lives (there is no red zone, and no
    // signal handler), and RSP is what it was at the end.
    unsafe {
        asm!(
            "mov {saved}, rsp",
            "and rsp, {page_mask}",
            "2:",
            "test {left}, {left}",
            "jz 3f",
            "sub rsp, {page_bytes}",
            "mov byte ptr [rsp], {byte}",
            "dec {left}",
            "jmp 2b",
            "3:",
            "mov {lowest}, rsp",
            "mov rsp, {saved}",
            saved = out(reg) _,
            left = inout(reg) pages => _,
            byte = in(reg_byte) byte,
            lowest = lateout(reg) lowest_page,
            page_mask = const -(PAGE_SIZE as i64),
            page_bytes = const PAGE_SIZE,
        );
    }
    transport.value(lowest_page);
    pages
}
