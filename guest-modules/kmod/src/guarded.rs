//! Code that was data.
#![allow(unsafe_code, reason = "calls what was data")]

use crate::{Errno, Memory, kernel};

/// Runs the function at the start of executable memory for the calling process, and gives its result. EFAULT if it faults: the
/// kernel has reported that then, and ends the process when the module has returned to it.
///
/// # Safety
///
/// A function without arguments that returns an `i32` as C functions do begins there, and what it does is what its caller may do: a
/// function that does not fault can do whatever the kernel can. What it calls outside of the memory does not fault.
pub unsafe fn call_guarded(memory: &impl Memory) -> Result<i32, Errno> {
    let code = memory.start();
    // SAFETY: a function is an address, and the caller says that there is one.
    let function = unsafe { core::mem::transmute::<*mut u8, extern "C" fn() -> i32>(code) };
    let mut result = 0;
    // SAFETY: the kernel writes the result, and the caller vouches for the function.
    Errno::check(unsafe { kernel::call_guarded(function, code, memory.len(), &raw mut result) })?;
    Ok(result)
}
