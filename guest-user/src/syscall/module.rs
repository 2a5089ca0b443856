//! Loadable modules.
#![allow(unsafe_code, reason = "system calls that take buffers")]

use core::ffi::CStr;

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;
use crate::Span;

/// init_module(image, parameters)
pub fn load(image: &[u8], parameters: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the image and the parameters.
    unsafe { load_at(image.as_ptr() as u64, image.len() as u64, parameters) }
}

/// init_module(span, parameters): as [`load`], from memory that need not exist.
pub fn load_span(image: Span, parameters: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the span, and answers EFAULT where it cannot.
    unsafe { load_at(image.address(), image.len_bytes(), parameters) }
}

/// # Safety
///
/// The kernel may read what is there.
unsafe fn load_at(address: u64, len_bytes: u64, parameters: &CStr) -> Result<(), Errno> {
    let arguments = [address, len_bytes, parameters.as_ptr() as u64];
    // SAFETY: the kernel only reads what the caller vouches for.
    unsafe { syscall(number::INIT_MODULE, arguments) }.map(drop)
}

/// finit_module(fd, parameters, 0)
pub fn load_file(fd: i32, parameters: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the parameters.
    unsafe { syscall(number::FINIT_MODULE, [fd as u64, parameters.as_ptr() as u64, 0]) }.map(drop)
}

/// delete_module(name, 0)
pub fn remove(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the name.
    unsafe { syscall(number::DELETE_MODULE, [name.as_ptr() as u64, 0]) }.map(drop)
}
