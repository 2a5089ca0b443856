//! Growing the stack that the kernel gave: the one of the process's that grows.
#![allow(unsafe_code, reason = "moves the stack pointer")]

use core::arch::asm;

use abi::PAGE_SIZE;

use crate::transport::Transport;

/// Where the stack is now.
pub(crate) fn pointer() -> u64 {
    let pointer: u64;
    // SAFETY: a register is read.
    unsafe { asm!("mov {}, rsp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Reads the page of the stack that `address` lies in. So it is as much in use as any program's stack, and a kernel that puts what nobody
/// uses on a disk has the same frames in memory at the end as at the start.
pub(crate) fn keep(address: u64) {
    // SAFETY: the load changes nothing.
    unsafe {
        asm!("mov {}, byte ptr [{}]", out(reg_byte) _, in(reg) address, options(nostack, preserves_flags));
    }
}

/// Touches pages below the one that `from` lies in, with RSP on the page that is stored to: a kernel may take a store far
/// below RSP for a stray one.
pub(crate) fn touch(transport: &mut impl Transport, from: u64) -> u64 {
    let pages = transport.argument(0);
    let byte = transport.argument(1) as u8;
    let lowest_page: u64;
    // SAFETY: everything stored to lies below what is left of the stack that the agent began on, where nothing lives, no signal handler
    // needs a stack meanwhile, and RSP is what it was at the end.
    unsafe {
        asm!(
            "mov {saved}, rsp",
            "mov rsp, {from}",
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
            from = in(reg) from,
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
