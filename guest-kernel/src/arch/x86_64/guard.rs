//! Code that may fault without being the kernel's end.
//!
//! A fault of the code, or of what it calls, goes on behind the call, which fails then. Its registers are forgotten; what it has
//! done to memory is done.

#![allow(unsafe_code, reason = "symbols of the assembly")]

/// Runs the function, and gives its result; None if it faults, which has been reported then.
#[cfg(target_os = "none")]
pub(crate) fn call_guarded(function: extern "C" fn() -> i32) -> Option<i32> {
    let mut result = 0;
    // SAFETY: the assembly calls the function as any C function is called, keeps the registers that a caller may rely on, and
    // writes the result alone.
    let faulted = unsafe { assembly::guarded_call(function, &raw mut result) };
    (faulted == 0).then_some(result)
}

/// The host has no such code.
#[cfg(not(target_os = "none"))]
pub(crate) fn call_guarded(function: extern "C" fn() -> i32) -> Option<i32> {
    Some(function())
}

/// Where to go on, and on which stack, if a fault belongs to such code. Asking ends the guard.
#[cfg(target_os = "none")]
pub(super) fn take_recovery() -> Option<(u64, u64)> {
    // SAFETY: only the assembly and this function touch the word, and nothing interrupts either.
    let stack = unsafe { (&raw mut assembly::guarded_stack).replace(0) };
    (stack != 0).then(|| ((&raw const assembly::guarded_fault) as u64, stack))
}

/// The host has no such code.
#[cfg(not(target_os = "none"))]
pub(super) fn take_recovery() -> Option<(u64, u64)> {
    None
}

#[cfg(target_os = "none")]
mod assembly {
    unsafe extern "C" {
        pub(super) fn guarded_call(function: extern "C" fn() -> i32, result: *mut i32) -> u32;
        pub(super) static guarded_fault: u8;
        pub(super) static mut guarded_stack: u64;
    }
}
