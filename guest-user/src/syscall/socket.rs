//! Sockets.
#![allow(unsafe_code, reason = "system calls that take buffers")]

use abi::linux::socket::{SO_ERROR, SOL_SOCKET};
use abi::linux::syscall as number;

use super::errno::Errno;
use super::raw::syscall;

/// socket(family, type, protocol)
pub fn socket(family: u32, kind: u32, protocol: u32) -> Result<i32, Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::SOCKET, [family.into(), kind.into(), protocol.into()]) }.map(|fd| fd as i32)
}

/// connect(fd, address)
pub fn connect(fd: i32, address: &[u8]) -> Result<(), Errno> {
    // SAFETY: the kernel only reads the address.
    unsafe {
        syscall(
            number::CONNECT,
            [fd as u64, address.as_ptr() as u64, address.len() as u64],
        )
    }
    .map(drop)
}

/// send(fd, bytes, flags): the number of bytes sent.
pub fn send(fd: i32, bytes: &[u8], flags: u32) -> Result<usize, Errno> {
    send_to(fd, bytes, flags, &[])
}

/// sendto(fd, bytes, flags, address): the number of bytes sent. An empty address is none.
pub fn send_to(fd: i32, bytes: &[u8], flags: u32, address: &[u8]) -> Result<usize, Errno> {
    let place = if address.is_empty() {
        0
    } else {
        address.as_ptr() as u64
    };
    // SAFETY: the kernel only reads bytes and address.
    unsafe {
        syscall(
            number::SENDTO,
            [
                fd as u64,
                bytes.as_ptr() as u64,
                bytes.len() as u64,
                flags.into(),
                place,
                address.len() as u64,
            ],
        )
    }
    .map(|count| count as usize)
}

/// recv(fd, buffer, flags): the number of bytes received, 0 at the end.
pub fn recv(fd: i32, buffer: &mut [u8], flags: u32) -> Result<usize, Errno> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes to `buffer`, which is ours alone.
    unsafe {
        syscall(
            number::RECVFROM,
            [
                fd as u64,
                buffer.as_mut_ptr() as u64,
                buffer.len() as u64,
                flags.into(),
                0,
                0,
            ],
        )
    }
    .map(|count| count as usize)
}

/// shutdown(fd, how)
pub fn shutdown(fd: i32, how: u32) -> Result<(), Errno> {
    // SAFETY: no memory is involved.
    unsafe { syscall(number::SHUTDOWN, [fd as u64, how.into()]) }.map(drop)
}

/// getsockopt(fd, level, option): a C int.
pub fn option(fd: i32, level: u32, option: u32) -> Result<i32, Errno> {
    let (mut value, mut len_bytes) = (0_i32, 4_u32);
    // SAFETY: the kernel writes at most four bytes to the value, and the length; both are ours alone.
    unsafe {
        syscall(
            number::GETSOCKOPT,
            [
                fd as u64,
                level.into(),
                option.into(),
                &raw mut value as u64,
                &raw mut len_bytes as u64,
            ],
        )
    }
    .map(|_| value)
}

/// The error that waits to be told, and is told by this; none is an error number of 0.
pub fn pending_error(fd: i32) -> Result<Errno, Errno> {
    option(fd, SOL_SOCKET, SO_ERROR).map(Errno)
}
