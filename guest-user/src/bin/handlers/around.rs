//! Instructions that raise a signal, and what registers and stack hold behind them.
#![allow(unsafe_code, reason = "registers are set and read by hand")]

use core::arch::{asm, naked_asm};

use abi::linux::signal::UC_RIP_OFFSET;
use guest_user::syscall::handler::Context;

/// Bytes of `ud2`.
const UD2_BYTES: u64 = 2;

/// Has the program go on behind a `ud2`.
pub(crate) fn skip(context: &mut Context) {
    let next = context.get(UC_RIP_OFFSET) + UD2_BYTES;
    // SAFETY: the instruction behind it is the program's.
    unsafe { context.set(UC_RIP_OFFSET, next) };
}

/// General registers, all but RSP, are 1 to 15 in the order of [`ORDER`], and the direction flag is set; `ud2` raises SIGILL. They are
/// stored then, and the flags last.
#[unsafe(naked)]
pub(crate) extern "C" fn all_registers(_into: &mut [u64; 16]) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi",
        "mov eax, 1",
        "mov ebx, 2",
        "mov ecx, 3",
        "mov edx, 4",
        "mov esi, 5",
        "mov edi, 6",
        "mov ebp, 7",
        "mov r8d, 8",
        "mov r9d, 9",
        "mov r10d, 10",
        "mov r11d, 11",
        "mov r12d, 12",
        "mov r13d, 13",
        "mov r14d, 14",
        "mov r15d, 15",
        "std",
        "stc",
        "ud2",
        "pushfq",
        "cld",
        "push rax",
        "mov rax, [rsp + 16]",
        "mov [rax + 8], rbx",
        "mov [rax + 16], rcx",
        "mov [rax + 24], rdx",
        "mov [rax + 32], rsi",
        "mov [rax + 40], rdi",
        "mov [rax + 48], rbp",
        "mov [rax + 56], r8",
        "mov [rax + 64], r9",
        "mov [rax + 72], r10",
        "mov [rax + 80], r11",
        "mov [rax + 88], r12",
        "mov [rax + 96], r13",
        "mov [rax + 104], r14",
        "mov [rax + 112], r15",
        "pop rcx",
        "mov [rax], rcx",
        "pop rcx",
        "mov [rax + 120], rcx",
        "pop rdi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

/// The first and the last word of the red zone hold a value each; what they hold behind a `ud2`, added.
#[unsafe(naked)]
pub(crate) extern "C" fn red_zone() -> u64 {
    naked_asm!(
        "mov qword ptr [rsp - 8], 40",
        "mov qword ptr [rsp - 128], 2",
        "ud2",
        "mov rax, [rsp - 8]",
        "add rax, [rsp - 128]",
        "ret",
    )
}

/// What XMM0 and MXCSR hold behind a `ud2`.
pub(crate) fn sse(xmm0: u64, mxcsr: u32) -> (u64, u32) {
    let (mut after, usual) = (0_u64, 0x1f80_u32);
    let mut control = mxcsr;
    // SAFETY: the compiler uses no SSE registers, and the control register is as usual again behind this.
    unsafe {
        asm!(
            "movq xmm0, {value}",
            "ldmxcsr [{control}]",
            "ud2",
            "movq {value}, xmm0",
            "stmxcsr [{control}]",
            "ldmxcsr [{usual}]",
            value = inout(reg) xmm0 => after,
            control = in(reg) &raw mut control,
            usual = in(reg) &raw const usual,
            options(nostack),
        );
    }
    (after, control)
}

/// Overwrites XMM0.
pub(crate) fn clobber_sse() {
    // SAFETY: the compiler uses no SSE registers.
    unsafe { asm!("pcmpeqd xmm0, xmm0", options(nostack, nomem, preserves_flags)) };
}
