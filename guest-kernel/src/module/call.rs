//! Runs the functions that a module has named.

#![allow(unsafe_code, reason = "functions at addresses that became code at run time")]

use core::mem;

use crate::mm::VirtAddr;

/// Runs an init function.
pub(super) fn init(function: VirtAddr) -> i32 {
    // SAFETY: loading has checked that the address lies in the module's code, which is mapped executable. The object says
    // that a function of this type starts there; from here on the module is a part of the kernel.
    let function: extern "C" fn() -> i32 = unsafe { mem::transmute(function.as_u64()) };
    function()
}

/// Runs an exit function.
pub(super) fn exit(function: VirtAddr) {
    // SAFETY: as in `init`; the module's memory lives until its exit function has returned.
    let function: extern "C" fn() = unsafe { mem::transmute(function.as_u64()) };
    function();
}
