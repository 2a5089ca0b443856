//! Control and model-specific registers.

#![allow(unsafe_code, reason = "privileged registers")]

use core::arch::asm;

use super::segments::{KERNEL_CODE, SYSRET_BASE};
use crate::mm::{FrameNumber, VirtAddr};

/// CR0 with paging: protection, monitor, extension type, numeric error, write protection in kernel mode too, paging.
pub(super) const CR0: u32 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 31;
/// CR4: physical address extension, `fxsave` and SSE, SIMD exceptions. SMAP stays off: the kernel reaches user memory through
/// the direct map only.
pub(super) const CR4: u32 = 1 << 5 | 1 << 9 | 1 << 10;
pub(super) const EFER_MSR: u32 = 0xc000_0080;
/// EFER: system calls, long mode, no-execute.
pub(super) const EFER: u32 = 1 << 0 | 1 << 8 | 1 << 11;

const STAR_MSR: u32 = 0xc000_0081;
const LSTAR_MSR: u32 = 0xc000_0082;
const SYSTEM_CALL_MASK_MSR: u32 = 0xc000_0084;
const FS_BASE_MSR: u32 = 0xc000_0100;
/// Flags that `syscall` clears: trap, interrupt, direction, I/O privilege, nested task, alignment check.
const SYSTEM_CALL_MASK: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 18;

pub(super) fn enable_system_calls() {
    let selectors = u64::from(SYSRET_BASE) << 48 | u64::from(KERNEL_CODE) << 32;
    write_model_specific(STAR_MSR, selectors);
    write_model_specific(LSTAR_MSR, super::trap::system_call_entry());
    write_model_specific(SYSTEM_CALL_MASK_MSR, SYSTEM_CALL_MASK);
}

/// Sets the FS base: where a thread's own data are.
pub(super) fn set_fs_base(base: u64) {
    write_model_specific(FS_BASE_MSR, base);
}

pub(super) fn read_model_specific(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: the callers read registers that every processor with long mode has.
    unsafe {
        asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high,
            options(nomem, nostack, preserves_flags));
    }
    u64::from(high) << 32 | u64::from(low)
}

pub(super) fn write_model_specific(register: u32, value: u64) {
    // SAFETY: the callers write registers that say where and how `syscall` arrives, where user data are, and when the timer
    // ticks; none of them touches memory.
    unsafe {
        asm!("wrmsr", in("ecx") register, in("eax") value as u32, in("edx") (value >> 32) as u32,
            options(nostack, preserves_flags));
    }
}

/// Stops whoever executes the instruction at address 0.
pub(crate) fn break_at_zero() {
    // SAFETY: nothing is mapped there, so the breakpoint never fires; 1 enables the first of four.
    unsafe {
        asm!("mov dr0, {}", "mov dr7, {}", in(reg) 0_u64, in(reg) 1_u64, options(nomem, nostack, preserves_flags));
    };
}

/// Address whose translation failed last.
pub(super) fn fault_address() -> u64 {
    let address;
    // SAFETY: reading CR2 has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    address
}

/// Frame of the top page table in use.
pub(crate) fn active_root() -> FrameNumber {
    let cr3: u64;
    // SAFETY: reading CR3 has no effect.
    unsafe { asm!("mov {}, cr3", out(reg) cr3, options(nomem, nostack, preserves_flags)) };
    FrameNumber::containing(cr3)
}

/// Makes `root` the top page table, which also drops every cached translation.
///
/// # Safety
///
/// `root` must be a top page table whose kernel half is the kernel's, and must stay one while it is in use.
pub(crate) unsafe fn load_root(root: FrameNumber) {
    // SAFETY: the kernel half is the same before and after, so code, stack and data stay where they are.
    unsafe { asm!("mov cr3, {}", in(reg) root.address(), options(nostack, preserves_flags)) };
}

/// Drops every cached translation.
pub(crate) fn flush_all() {
    // SAFETY: loads what is loaded.
    unsafe { load_root(active_root()) };
}

/// Drops the cached translation of one page.
pub(crate) fn flush_page(page: VirtAddr) {
    // SAFETY: invlpg only drops cached translations; the memory clobber keeps page-table stores before it.
    unsafe { asm!("invlpg [{}]", in(reg) page.as_u64(), options(nostack, preserves_flags)) };
}

/// Stops the processor. Interrupts are masked, so the hypervisor sees a guest that will never run again.
pub(crate) fn halt_forever() -> ! {
    loop {
        // SAFETY: halting with interrupts masked has no effect but to stop.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
