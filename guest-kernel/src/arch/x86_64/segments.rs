//! Segment descriptors and the task state segment.

#![allow(unsafe_code, reason = "lgdt and ltr")]

use core::arch::asm;

use crate::sync::Lock;

pub(super) const KERNEL_CODE: u16 = 0x10;
pub(super) const KERNEL_DATA: u16 = 0x18;
/// `sysret` takes its stack segment 8 and its code segment 16 bytes further on.
pub(super) const SYSRET_BASE: u16 = 0x23;
pub(crate) const USER_DATA: u16 = 0x2b;
pub(crate) const USER_CODE: u16 = 0x33;
const TASK_STATE: u16 = 0x40;

/// Entry of the interrupt stack table for exceptions that may find no usable stack.
pub(super) const EMERGENCY_STACK: u8 = 1;

/// Offset of [`TaskState::rsp0`].
pub(super) const RSP0_OFFSET: usize = 4;
const _: () = assert!(core::mem::offset_of!(TaskState, rsp0) == RSP0_OFFSET);

#[repr(C, packed(4))]
pub(super) struct TaskState {
    reserved0: u32,
    /// Stack on which traps from user mode arrive.
    rsp0: u64,
    rsp1_and_2: [u64; 2],
    reserved1: u64,
    interrupt_stacks: [u64; 7],
    reserved2: u64,
    reserved3: u16,
    io_map_base: u16,
}
const _: () = assert!(size_of::<TaskState>() == 104);

pub(super) static TASK: Lock<TaskState> = Lock::new(TaskState {
    reserved0: 0,
    rsp0: 0,
    rsp1_and_2: [0; 2],
    reserved1: 0,
    interrupt_stacks: [0; 7],
    reserved2: 0,
    reserved3: 0,
    io_map_base: size_of::<TaskState>() as u16,
});

/// As on Linux: null, unused, kernel code, kernel data, user code for 32 bits (never used), user data, user code, unused,
/// and the task state, which takes two entries.
pub(super) static DESCRIPTORS: Lock<[u64; 10]> = Lock::new([
    0,
    0,
    0x00af_9b00_0000_ffff,
    0x00cf_9300_0000_ffff,
    0x00cf_fb00_0000_ffff,
    0x00cf_f300_0000_ffff,
    0x00af_fb00_0000_ffff,
    0,
    0,
    0,
]);
pub(super) const DESCRIPTORS_LIMIT: u16 = 10 * 8 - 1;

/// Operand of `lgdt` and `lidt`.
#[repr(C, packed)]
pub(super) struct TablePointer {
    pub(super) limit: u16,
    pub(super) base: u64,
}

pub(super) fn load() {
    TASK.lock().interrupt_stacks[usize::from(EMERGENCY_STACK) - 1] = super::trap::emergency_stack_top();
    let task = TASK.address();
    let mut descriptors = DESCRIPTORS.lock();
    descriptors[usize::from(TASK_STATE / 8)] = task_descriptor(task);
    descriptors[usize::from(TASK_STATE / 8) + 1] = task >> 32;
    let pointer = TablePointer {
        limit: DESCRIPTORS_LIMIT,
        base: DESCRIPTORS.address(),
    };
    // SAFETY: the table is static, and the descriptors in use are the same as before.
    unsafe { asm!("lgdt [{}]", in(reg) &raw const pointer, options(readonly, nostack, preserves_flags)) };
    // SAFETY: the selector names the task state written above.
    unsafe { asm!("ltr {:x}", in(reg) TASK_STATE, options(nostack, preserves_flags)) };
}

/// Low half of an available 64-bit task state descriptor.
fn task_descriptor(base: u64) -> u64 {
    let limit = size_of::<TaskState>() as u64 - 1;
    limit | (base & 0x00ff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56
}

/// Says where the next trap from user mode puts its frame.
pub(crate) fn set_kernel_stack(top: u64) {
    TASK.lock().rsp0 = top;
}
