//! Code that may fault without being the kernel's end.
//!
//! A fault of the code goes on behind the call, which fails then. Its registers are forgotten; what it has done to memory is
//! done. A fault of something that the code calls is no such fault: what that holds, a lock for example, it would hold for ever.

#![allow(unsafe_code, reason = "symbols of the assembly")]

use core::ops::Range;
#[cfg(target_os = "none")]
use core::sync::atomic::Ordering;

#[cfg(target_os = "none")]
use crate::sync::Lock;

/// Addresses of the code that was called last.
#[cfg(target_os = "none")]
static CODE: Lock<Range<u64>> = Lock::new(0..0);

/// Runs the function, which lies in `code`, and gives its result; None if it faults, which has been reported then.
///
/// # Safety
///
/// The function is complete: it returns as a C function does, or faults, and what it does otherwise is what the kernel may do.
#[cfg(target_os = "none")]
pub(crate) unsafe fn call_guarded(function: extern "C" fn() -> i32, code: Range<u64>) -> Option<i32> {
    *CODE.lock() = code;
    let mut result = 0;
    // SAFETY: the assembly calls the function as any C function is called, keeps the registers that a caller may rely on, and
    // writes the result alone; the caller vouches for the function.
    let faulted = unsafe { assembly::guarded_call(function, &raw mut result) };
    (faulted == 0).then_some(result)
}

/// The host has no such code.
#[cfg(not(target_os = "none"))]
pub(crate) unsafe fn call_guarded(function: extern "C" fn() -> i32, _: Range<u64>) -> Option<i32> {
    Some(function())
}

/// Where to go on, and on which stack, if a fault at that instruction belongs to such code. Asking ends the guard then.
#[cfg(target_os = "none")]
pub(super) fn take_recovery(instruction: Instruction) -> Option<(u64, u64)> {
    let is_codes = match instruction {
        Instruction::At(address) => CODE.lock().contains(&address),
        Instruction::Missing => true,
    };
    // SAFETY: the word is static, and is never anything but a number.
    let word = unsafe { &assembly::guarded_stack };
    if !is_codes || word.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let stack = word.swap(0, Ordering::Relaxed);
    Some(((&raw const assembly::guarded_fault) as u64, stack))
}

/// The host has no such code.
#[cfg(not(target_os = "none"))]
pub(super) fn take_recovery(_: Instruction) -> Option<(u64, u64)> {
    None
}

/// What faulted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// The instruction at an address.
    At(u64),
    /// Where somebody jumped to is none. The kernel's own functions do not do that.
    Missing,
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
