//! The instruction itself.
#![allow(
    unsafe_code,
    reason = "a system call is an instruction that the compiler cannot check"
)]

use core::arch::asm;

use super::errno::{Errno, from_raw};

/// Makes system call `number`.
///
/// # Safety
///
/// The call must not change memory that belongs to Rust objects, unless the caller lent it for that.
pub(super) unsafe fn syscall<const COUNT: usize>(number: u64, arguments: [u64; COUNT]) -> Result<u64, Errno> {
    let mut registers = [0; 6];
    registers[..COUNT].copy_from_slice(&arguments);
    let result: i64;
    // SAFETY: the kernel keeps all registers but RAX, RCX and R11; the caller answers for memory.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") registers[0],
            in("rsi") registers[1],
            in("rdx") registers[2],
            in("r10") registers[3],
            in("r8") registers[4],
            in("r9") registers[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    from_raw(result)
}

/// Makes a system call that this library has no name for.
///
/// # Safety
///
/// As for every other: the call must not change memory that belongs to Rust objects, unless the caller lent it for that.
pub unsafe fn by_number(number: u64, arguments: [u64; 5]) -> Result<u64, Errno> {
    // SAFETY: the caller answers for memory.
    unsafe { syscall(number, arguments) }
}
