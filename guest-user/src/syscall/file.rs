//! Files and streams.
#![allow(unsafe_code, reason = "system calls that take buffers")]

use core::ffi::CStr;

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;
use crate::Span;

/// open(path, flags, 0)
pub fn open(path: &CStr, flags: u64) -> Result<i32, Errno> {
    // SAFETY: the kernel only reads the path, which is NUL-terminated.
    unsafe { syscall(number::OPEN, [path.as_ptr() as u64, flags, 0]) }.map(|fd| fd as i32)
}

/// close(fd)
pub fn close(fd: i32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::CLOSE, [fd as u64]) }.map(drop)
}

/// read(fd, buffer): the number of bytes read, 0 at the end.
pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which is ours alone.
    unsafe {
        syscall(
            number::READ,
            [fd as u64, buffer.as_mut_ptr() as u64, buffer.len() as u64],
        )
    }
    .map(|count| count as usize)
}

/// read(fd, span): as [`read`], to memory that need not exist.
pub fn read_span(fd: i32, span: Span) -> Result<usize, Errno> {
    // SAFETY: no Rust object lies in a span, and the kernel answers EFAULT where it cannot write.
    unsafe { syscall(number::READ, [fd as u64, span.address(), span.len_bytes()]) }
        .map(|count| count as usize)
}

/// write(fd, bytes): the number of bytes written.
pub fn write(fd: i32, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the kernel only reads `bytes`.
    unsafe {
        syscall(
            number::WRITE,
            [fd as u64, bytes.as_ptr() as u64, bytes.len() as u64],
        )
    }
    .map(|count| count as usize)
}

/// write(fd, span): as [`write`], from memory that need not exist.
pub fn write_span(fd: i32, span: Span) -> Result<usize, Errno> {
    // SAFETY: the kernel only reads the span, and answers EFAULT where it cannot.
    unsafe { syscall(number::WRITE, [fd as u64, span.address(), span.len_bytes()]) }
        .map(|count| count as usize)
}

/// pread64(fd, span, offset): as [`read_at`], to memory that need not exist.
pub fn read_span_at(fd: i32, span: Span, offset_bytes: u64) -> Result<usize, Errno> {
    let arguments = [fd as u64, span.address(), span.len_bytes(), offset_bytes];
    // SAFETY: no Rust object lies in a span, and the kernel answers EFAULT where it cannot write.
    unsafe { syscall(number::PREAD64, arguments) }.map(|count| count as usize)
}

/// pwrite64(fd, span, offset): as [`write_at`], from memory that need not exist.
pub fn write_span_at(fd: i32, span: Span, offset_bytes: u64) -> Result<usize, Errno> {
    let arguments = [fd as u64, span.address(), span.len_bytes(), offset_bytes];
    // SAFETY: the kernel only reads the span, and answers EFAULT where it cannot.
    unsafe { syscall(number::PWRITE64, arguments) }.map(|count| count as usize)
}

/// memfd_create(name, flags): an empty file of memory.
pub fn memory_file(name: &CStr, flags: u64) -> Result<i32, Errno> {
    // SAFETY: the kernel only reads the name, which is NUL-terminated.
    unsafe { syscall(number::MEMFD_CREATE, [name.as_ptr() as u64, flags]) }.map(|fd| fd as i32)
}

/// pread64(fd, buffer, offset): the number of bytes read, 0 at the end.
pub fn read_at(fd: i32, buffer: &mut [u8], offset_bytes: u64) -> Result<usize, Errno> {
    let arguments = [
        fd as u64,
        buffer.as_mut_ptr() as u64,
        buffer.len() as u64,
        offset_bytes,
    ];
    // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which is ours alone.
    unsafe { syscall(number::PREAD64, arguments) }.map(|count| count as usize)
}

/// pwrite64(fd, bytes, offset): the number of bytes written.
pub fn write_at(fd: i32, bytes: &[u8], offset_bytes: u64) -> Result<usize, Errno> {
    // SAFETY: the kernel only reads `bytes`.
    unsafe {
        syscall(
            number::PWRITE64,
            [fd as u64, bytes.as_ptr() as u64, bytes.len() as u64, offset_bytes],
        )
    }
    .map(|count| count as usize)
}

/// readlink(path, buffer, size): the bytes of the target that there was room for.
pub fn read_link<'a>(path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let (address, bytes) = (buffer.as_mut_ptr() as u64, buffer.len() as u64);
    // SAFETY: the kernel reads the path, which is NUL-terminated, and writes to the buffer.
    let count = unsafe { syscall(number::READLINK, [path.as_ptr() as u64, address, bytes]) }?;
    Ok(&buffer[..count as usize])
}

/// mkdir(path, 0755)
pub fn make_directory(path: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the path, which is NUL-terminated.
    unsafe { syscall(number::MKDIR, [path.as_ptr() as u64, 0o755]) }.map(drop)
}

/// mount(kind, target, kind, 0, nothing), for a file system without a device.
pub fn mount(kind: &CStr, target: &CStr) -> Result<(), Errno> {
    let arguments = [
        kind.as_ptr() as u64,
        target.as_ptr() as u64,
        kind.as_ptr() as u64,
        0,
        0,
    ];
    // SAFETY: the kernel only reads the strings, which are NUL-terminated.
    unsafe { syscall(number::MOUNT, arguments) }.map(drop)
}

/// swapon(path, 0): the kernel swaps to this device from now on.
pub fn swap_to(device: &CStr) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the path, which is NUL-terminated.
    unsafe { syscall(number::SWAPON, [device.as_ptr() as u64, 0]) }.map(drop)
}

/// dup2(old, new)
pub fn duplicate(old: i32, new: i32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::DUP2, [old as u64, new as u64]) }.map(drop)
}

/// lseek(fd, offset, whence): the new position.
pub fn seek(fd: i32, offset_bytes: i64, whence: u32) -> Result<u64, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::LSEEK, [fd as u64, offset_bytes as u64, whence.into()]) }
}

/// ioctl(fd, request, argument)
///
/// # Safety
///
/// What the request does to the memory at the argument is nothing to Rust.
pub unsafe fn ioctl(fd: i32, request: u32, argument: u64) -> Result<u64, Errno> {
    // SAFETY: the caller answers for memory.
    unsafe { syscall(number::IOCTL, [fd as u64, request.into(), argument]) }
}
