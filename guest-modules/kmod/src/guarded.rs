//! Code that was data.
#![allow(unsafe_code, reason = "calls what was data")]

use crate::{Errno, Memory, kernel};

/// Runs the function at the start of executable memory for the calling process, and gives its result. EFAULT if it faults: the
/// kernel has reported that then, and ends the process when the module has returned to it.
///
/// A function that does not fault can do whatever the kernel can.
pub fn call_guarded(memory: &impl Memory) -> Result<i32, Errno> {
    // SAFETY: a function is an address; what is there is the caller's to answer for, and the kernel catches its faults.
    let function = unsafe { core::mem::transmute::<*mut u8, extern "C" fn() -> i32>(memory.start()) };
    let mut result = 0;
    // SAFETY: the kernel writes the result alone.
    Errno::check(unsafe { kernel::call_guarded(function, &raw mut result) })?;
    Ok(result)
}
