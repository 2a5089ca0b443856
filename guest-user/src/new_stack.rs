//! The first instructions on a stack that was built by hand: of threads, of children with a stack of their own, and of whoever leaves
//! the stack that it was given.
#![allow(unsafe_code, reason = "a stack is left for another one")]

use core::arch::naked_asm;

/// What such a stack begins with: a function that does not return, and its argument.
pub type Entry = [u64; 2];

/// Calls the function with its argument on the stack above which they lie.
///
/// It needs nothing but its argument in RDI, so the child of a system call may jump here.
///
/// # Safety
///
/// `entry` is aligned to 16 bytes and the top of a stack that nobody else uses; the function takes that argument. Nothing on the
/// stack so far is needed any more.
#[unsafe(naked)]
pub unsafe extern "C" fn enter(entry: *mut Entry) -> ! {
    naked_asm!(
        "mov rsp, rdi",
        // A frame pointer of 0 ends the chain of frames for debuggers.
        "xor ebp, ebp",
        "pop rax",
        "pop rdi",
        "call rax",
        "ud2",
    )
}
