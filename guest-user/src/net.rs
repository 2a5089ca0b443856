//! Streams to a server, wherever it is: so that one program runs in the guest over vsock and on Linux over TCP.

use core::ffi::CStr;

use abi::linux::errno::{EAGAIN, EINTR};
use abi::linux::socket::{
    AF_INET, AF_UNIX, AF_VSOCK, MSG_NOSIGNAL, SOCK_NONBLOCK, SOCK_STREAM, SOCKADDR_VM_BYTES, SOCKADDR_VM_CID,
    SOCKADDR_VM_PORT,
};

use crate::syscall::file::close;
use crate::syscall::{Errno, socket};

/// Milliseconds that a program gives a server to answer or to close: long enough for the busiest host, and little for the virtual clock of a
/// guest, which comes to its end only where nothing answers.
pub const PATIENCE_MS: i32 = 100_000;

/// Longest path of a Unix socket, with its NUL (`UNIX_PATH_MAX`).
const UNIX_PATH_BYTES: usize = 108;
/// Bytes of the family, which comes first in every address.
const FAMILY_BYTES: usize = 2;
/// Bytes of a `struct sockaddr_in`.
const SOCKADDR_IN_BYTES: usize = 16;

/// Where a server is, as the kernel wants it.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    family: u16,
    bytes: [u8; FAMILY_BYTES + UNIX_PATH_BYTES],
    len: usize,
}

/// A connection. It is closed by [`Stream::close`], not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its number.
    pub fd: i32,
}

/// What came instead of all bytes that were wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The end, after so many of them.
    Ended(usize),
    /// An error.
    Failed(Errno),
}

impl Address {
    /// Of `vsock:CID:PORT`, `tcp:A.B.C.D:PORT` or `unix:PATH`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if let Some(path) = text.strip_prefix(b"unix:") {
            return Self::unix(path);
        }
        let text = str::from_utf8(text).ok()?;
        let (kind, rest) = text.split_once(':')?;
        let (host, port) = rest.rsplit_once(':')?;
        match kind {
            "vsock" => Some(Self::vsock(host.parse().ok()?, port.parse().ok()?)),
            "tcp" => Self::tcp(host, port.parse().ok()?),
            _ => None,
        }
    }

    /// A port of a virtual machine or its host.
    #[must_use]
    pub fn vsock(cid: u32, port: u32) -> Self {
        let mut address = Self::of_family(AF_VSOCK, SOCKADDR_VM_BYTES);
        address.bytes[SOCKADDR_VM_PORT..][..4].copy_from_slice(&port.to_le_bytes());
        address.bytes[SOCKADDR_VM_CID..][..4].copy_from_slice(&cid.to_le_bytes());
        address
    }

    fn tcp(host: &str, port: u16) -> Option<Self> {
        let mut address = Self::of_family(AF_INET, SOCKADDR_IN_BYTES);
        address.bytes[FAMILY_BYTES..][..2].copy_from_slice(&port.to_be_bytes());
        let mut numbers = host.split('.');
        for byte in &mut address.bytes[4..8] {
            *byte = numbers.next()?.parse().ok()?;
        }
        numbers.next().is_none().then_some(address)
    }

    fn unix(path: &[u8]) -> Option<Self> {
        // The kernel wants room for a NUL, which is there already.
        if path.is_empty() || path.len() >= UNIX_PATH_BYTES || CStr::from_bytes_until_nul(path).is_ok() {
            return None;
        }
        let mut address = Self::of_family(AF_UNIX, FAMILY_BYTES + path.len() + 1);
        address.bytes[FAMILY_BYTES..][..path.len()].copy_from_slice(path);
        Some(address)
    }

    fn of_family(family: u16, len: usize) -> Self {
        let mut bytes = [0; FAMILY_BYTES + UNIX_PATH_BYTES];
        bytes[..FAMILY_BYTES].copy_from_slice(&family.to_le_bytes());
        Self { family, bytes, len }
    }

    /// As connect takes it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Stream {
    /// Connects, and waits until that is done.
    pub fn connect(address: &Address) -> Result<Self, Errno> {
        let stream = Self::unconnected(address, 0)?;
        match socket::connect(stream.fd, address.as_bytes()) {
            Ok(()) => Ok(stream),
            Err(errno) => {
                stream.close();
                Err(errno)
            }
        }
    }

    /// A socket of the address's family that does not wait, and is not connected.
    pub fn nonblocking(address: &Address) -> Result<Self, Errno> {
        Self::unconnected(address, SOCK_NONBLOCK)
    }

    fn unconnected(address: &Address, flags: u32) -> Result<Self, Errno> {
        socket::socket(address.family.into(), SOCK_STREAM | flags, 0).map(|fd| Self { fd })
    }

    /// Sends all bytes. A peer that is gone is EPIPE and no signal.
    pub fn send_all(self, mut bytes: &[u8]) -> Result<(), Errno> {
        while !bytes.is_empty() {
            match socket::send(self.fd, bytes, MSG_NOSIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno(EINTR)) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }

    /// Receives as many bytes as there is room for.
    pub fn recv_exact(self, buffer: &mut [u8]) -> Result<(), ReceiveError> {
        let mut got = 0;
        while got < buffer.len() {
            match socket::recv(self.fd, &mut buffer[got..], 0) {
                Ok(0) => return Err(ReceiveError::Ended(got)),
                Ok(count) => got += count,
                Err(Errno(EINTR)) => {}
                Err(errno) => return Err(ReceiveError::Failed(errno)),
            }
        }
        Ok(())
    }

    /// Whether an error means that there is nothing to do now.
    #[must_use]
    pub fn would_wait(errno: Errno) -> bool {
        errno == Errno(EAGAIN)
    }

    /// Closes it.
    pub fn close(self) {
        close(self.fd).expect("it is open");
    }
}
