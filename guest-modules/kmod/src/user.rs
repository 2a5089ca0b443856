//! The memory of the process that called into the kernel. Its addresses are numbers: it may have nothing there.
#![allow(unsafe_code, reason = "hands slices to the kernel")]

use crate::{Errno, kernel};

/// Copies from the process's memory; EFAULT if not all of it could be read.
pub fn copy_from_user(into: &mut [u8], from: u64) -> Result<(), Errno> {
    // SAFETY: the kernel writes to the slice alone.
    let left = unsafe { kernel::copy_from_user(into.as_mut_ptr(), from, into.len()) };
    all(left)
}

/// Copies to the process's memory; EFAULT if not all of it could be written.
pub fn copy_to_user(to: u64, from: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the slice.
    let left = unsafe { kernel::copy_to_user(to, from.as_ptr(), from.len()) };
    all(left)
}

/// EFAULT if something is left.
pub(crate) fn all(left: usize) -> Result<(), Errno> {
    if left == 0 { Ok(()) } else { Err(Errno::EFAULT) }
}
