//! From the kernel's first instruction to the program's function.
#![allow(
    unsafe_code,
    reason = "the entry point is called by the kernel, with a stack instead of arguments"
)]

use core::arch::naked_asm;

use crate::{Arguments, nonce, syscall};

/// Makes `$main`, a `fn(Arguments) -> i32`, the program: its result is the exit status.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        const _: () = {
            #[allow(unsafe_code, reason = "the start code finds the program by this name")]
            #[unsafe(no_mangle)]
            fn guest_user_program(arguments: $crate::Arguments) -> i32 {
                $main(arguments)
            }
        };
    };
}

unsafe extern "Rust" {
    // `program!` defines it, with this signature.
    #[link_name = "guest_user_program"]
    safe fn program(arguments: Arguments) -> i32;
}

/// Entry point. RSP points at argc, then argv, then envp, as the System V ABI has it; the other registers say nothing.
#[unsafe(naked)]
#[unsafe(no_mangle)]
unsafe extern "C" fn _start() -> ! {
    naked_asm!(
        // A frame pointer of 0 ends the chain of frames for debuggers.
        "xor ebp, ebp",
        "mov rdi, rsp",
        "and rsp, -16",
        "call {enter}",
        "ud2",
        enter = sym enter,
    )
}

extern "C" fn enter(stack: *const u64) -> ! {
    // SAFETY: `_start` passes the stack pointer that the kernel set up, and the strings live as long as the program.
    let arguments = unsafe { Arguments::from_initial_stack(stack) };
    if let Some(word) = arguments.variable(abi::nonce::VARIABLE) {
        nonce::tell(word);
    }
    syscall::process::exit(program(arguments))
}
