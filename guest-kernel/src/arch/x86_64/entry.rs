//! The assembly of the image: how the kernel is entered, at boot and by traps.

#![allow(unsafe_code, reason = "assembly")]

use core::arch::global_asm;

use abi::boot::{DIRECT_MAP_BASE, KERNEL_PHYS};
use abi::paging::{ACCESSED, DIRTY, LARGE, NO_EXECUTE, PRESENT, WRITABLE};

use super::registers::{CR0, CR4, EFER, EFER_MSR};
use super::segments::{
    DESCRIPTORS, DESCRIPTORS_LIMIT, KERNEL_CODE, KERNEL_DATA, RSP0_OFFSET, TASK, USER_CODE, USER_DATA,
};
use super::trap::{
    EXCEPTIONS, SYSTEM_CALL_VECTOR, VECTORS, VECTORS_WITH_ERROR_CODE, handle_trap, start_thread,
};

const BOOT_STACK_BYTES: u64 = 16 * 1024;
const EMERGENCY_STACK_BYTES: u64 = 8 * 1024;

const TABLE: u64 = PRESENT | WRITABLE | ACCESSED;
const DATA_PAGE: u64 = PRESENT | WRITABLE | ACCESSED | DIRTY | NO_EXECUTE;
const LARGE_PAGE: u64 = PRESENT | WRITABLE | ACCESSED | DIRTY | LARGE;

global_asm!(
    include_str!("boot.s"),
    BASE = const DIRECT_MAP_BASE,
    KERNEL_PHYS = const KERNEL_PHYS,
    CR0 = const CR0,
    CR4 = const CR4,
    EFER = const EFER,
    EFER_MSR = const EFER_MSR,
    KERNEL_CODE = const KERNEL_CODE,
    KERNEL_DATA = const KERNEL_DATA,
    GDT_LIMIT = const DESCRIPTORS_LIMIT,
    gdt = sym DESCRIPTORS,
    TABLE = const TABLE,
    LARGE_PAGE = const LARGE_PAGE,
    DATA_PAGE = const DATA_PAGE,
    BOOT_STACK_BYTES = const BOOT_STACK_BYTES,
    EMERGENCY_STACK_BYTES = const EMERGENCY_STACK_BYTES,
    start = sym crate::boot::start,
    options(att_syntax),
);

global_asm!(include_str!("guard.s"), options(att_syntax));

global_asm!(
    include_str!("trap.s"),
    EXCEPTIONS = const EXCEPTIONS,
    VECTORS = const VECTORS,
    WITH_ERROR_CODE = const VECTORS_WITH_ERROR_CODE,
    tss = sym TASK,
    RSP0_OFFSET = const RSP0_OFFSET,
    USER_CODE = const USER_CODE,
    USER_DATA = const USER_DATA,
    SYSTEM_CALL_VECTOR = const SYSTEM_CALL_VECTOR,
    handler = sym handle_trap,
    started = sym start_thread,
    options(att_syntax),
);
