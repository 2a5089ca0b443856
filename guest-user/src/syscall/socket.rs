//! Sockets.
#![allow(unsafe_code, reason = "system calls that take buffers")]

use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// socket(domain, kind, 0)
pub fn socket(domain: u16, kind: u64) -> Result<i32, Errno> {
    // SAFETY: the call changes no memory.
    unsafe { syscall(number::SOCKET, [domain.into(), kind, 0]) }.map(|fd| fd as i32)
}

/// connect(fd, address)
pub fn connect(fd: i32, address: &[u8]) -> Result<(), Errno> {
    let arguments = [fd as u64, address.as_ptr() as u64, address.len() as u64];
    // SAFETY: the kernel only reads the address.
    unsafe { syscall(number::CONNECT, arguments) }.map(drop)
}

/// sendto(fd, bytes, flags, no address): the number of bytes that were sent.
pub fn send(fd: i32, bytes: &[u8], flags: u64) -> Result<usize, Errno> {
    let arguments = [fd as u64, bytes.as_ptr() as u64, bytes.len() as u64, flags, 0, 0];
    // SAFETY: the kernel only reads the bytes.
    unsafe { syscall(number::SENDTO, arguments) }.map(|count| count as usize)
}
