//! Switching between kernel stacks.
//!
//! A process that does not run is described by the stack pointer of its kernel stack alone: what it needs to go on lies on
//! that stack.

#![allow(unsafe_code, reason = "stack switch")]

use core::arch::naked_asm;

use super::TrapFrame;

/// Stack pointer of a kernel stack that does not run.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Context(u64);

impl Context {
    /// Puts `frame` on top of a stack that was never used, such that the first switch to it returns to user mode.
    ///
    /// # Safety
    ///
    /// `top` must be the end of a mapped, writable stack that nothing uses.
    pub(crate) unsafe fn new(top: u64, frame: TrapFrame) -> Self {
        let frame_address = top - size_of::<TrapFrame>() as u64;
        // SAFETY: inside the stack, by the caller's promise; 16-byte aligned because `top` is page-aligned.
        unsafe { (frame_address as *mut TrapFrame).write(frame) };
        let return_address = frame_address - 8;
        // SAFETY: as above; what `resume` pops last.
        unsafe { (return_address as *mut u64).write(super::trap::enter_thread()) };
        Self(return_address - CALLEE_SAVED_BYTES)
    }

    /// A place to leave a stack that nothing will ever come back to.
    pub(crate) const fn abandoned() -> Self {
        Self(0)
    }
}

/// RBX, RBP and R12 to R15: what a function must preserve for its caller.
const CALLEE_SAVED_BYTES: u64 = 6 * 8;

/// Leaves the running stack in `from` and continues on `to`; returns when something switches to `from`.
///
/// # Safety
///
/// `to` must be a context that was left by `switch` or made by [`Context::new`], and not be resumed since.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn switch(from: *mut Context, to: *const Context) {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "mov [rdi], rsp",
        "mov rsp, [rsi]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    );
}
