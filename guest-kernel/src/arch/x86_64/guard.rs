//! Code that may fault without being the kernel's end.
//!
//! A fault of the code, or of what it calls, goes on behind the call, which fails then. Its registers are forgotten; what it has
//! done to memory is done.

#![allow(unsafe_code, reason = "symbols of the assembly")]

#[cfg(target_os = "none")]
use core::sync::atomic::Ordering;

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
    // SAFETY: the word is static, and is never anything but a number.
    let word = unsafe { &assembly::guarded_stack };
    let stack = word.swap(0, Ordering::Relaxed);
    (stack != 0).then_some(((&raw const assembly::guarded_fault) as u64, stack))
}

/// The host has no such code.
#[cfg(not(target_os = "none"))]
pub(super) fn take_recovery() -> Option<(u64, u64)> {
    None
}

#[cfg(target_os = "none")]
mod assembly {
    use core::sync::atomic::AtomicU64;

    unsafe extern "C" {
        pub(super) fn guarded_call(function: extern "C" fn() -> i32, result: *mut i32) -> u32;
        pub(super) static guarded_fault: u8;
        pub(super) static guarded_stack: AtomicU64;
    }
}
