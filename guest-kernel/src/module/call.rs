//! Runs the functions that a module has named.

#![allow(unsafe_code, reason = "functions at addresses that became code at run time")]

use core::mem;

use crate::mm::VirtAddr;

/// Runs an init function.
///
/// # Safety
///
/// A function of this type must start there, in memory that is mapped executable and stays so until it has returned.
pub(super) unsafe fn init(function: VirtAddr) -> i32 {
    // SAFETY: by the caller's promise.
    let function: extern "C" fn() -> i32 = unsafe { mem::transmute(function.as_u64()) };
    function()
}

/// Runs an exit function.
///
/// # Safety
///
/// As for [`init`].
pub(super) unsafe fn exit(function: VirtAddr) {
    // SAFETY: by the caller's promise.
    let function: extern "C" fn() = unsafe { mem::transmute(function.as_u64()) };
    function();
}
