//! Connections to servers: over virtual sockets to the host below, over TCP and Unix sockets where the kernel has them.

use core::fmt;

use abi::linux::socket::{AF_INET, AF_UNIX, AF_VSOCK, MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM};

use crate::syscall::{Errno, file, socket};

/// Longest address: a family and the path of a Unix socket.
const MAX_ADDRESS_BYTES: usize = 110;

/// Where a server is: `vsock:CID:PORT`, `tcp:A.B.C.D:PORT` or `unix:PATH`.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    family: u16,
    /// `struct sockaddr_vm`, `sockaddr_in` or `sockaddr_un`.
    address: [u8; MAX_ADDRESS_BYTES],
    len: usize,
}

/// A connection, which is closed when it is dropped.
#[derive(Debug)]
pub struct Connection {
    fd: i32,
}

/// Why bytes do not come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetError {
    /// A system call failed.
    System(Errno),
    /// The other side has closed the connection.
    Closed,
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(errno) => write!(f, "{errno}"),
            Self::Closed => f.write_str("it has closed the connection"),
        }
    }
}

impl From<Errno> for NetError {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

impl Endpoint {
    /// From its spelling.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let (kind, place) = text.split_once(':')?;
        match kind {
            "vsock" => {
                let (cid, port) = place.split_once(':')?;
                let (cid, port): (u32, u32) = (cid.parse().ok()?, port.parse().ok()?);
                Some(Self::new(
                    AF_VSOCK,
                    &[&[0; 2], &port.to_ne_bytes(), &cid.to_ne_bytes(), &[0; 4]],
                ))
            }
            "tcp" => {
                let address: core::net::SocketAddrV4 = place.parse().ok()?;
                let port = address.port().to_be_bytes();
                Some(Self::new(AF_INET, &[&port, &address.ip().octets(), &[0; 8]]))
            }
            // The family and a NUL are beside the path.
            "unix" if !place.is_empty() && place.len() < MAX_ADDRESS_BYTES - 2 => {
                Some(Self::new(AF_UNIX, &[place.as_bytes(), &[0]]))
            }
            _ => None,
        }
    }

    fn new(family: u16, parts: &[&[u8]]) -> Self {
        let mut address = [0; MAX_ADDRESS_BYTES];
        let mut len = 0;
        for part in [&family.to_ne_bytes()[..]].iter().chain(parts) {
            address[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        Self { family, address, len }
    }

    /// Connects.
    pub fn connect(&self) -> Result<Connection, NetError> {
        let fd = socket::socket(self.family, SOCK_STREAM | SOCK_CLOEXEC)?;
        let connection = Connection { fd };
        socket::connect(fd, &self.address[..self.len])?;
        Ok(connection)
    }
}

impl Connection {
    /// Number of the descriptor.
    #[must_use]
    pub fn fd(&self) -> i32 {
        self.fd
    }

    /// Sends all of the bytes.
    pub fn send_all(&mut self, mut bytes: &[u8]) -> Result<(), NetError> {
        while !bytes.is_empty() {
            let sent = socket::send(self.fd, bytes, MSG_NOSIGNAL)?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Receives some bytes, one at least, as soon as there are any.
    pub fn receive(&mut self, into: &mut [u8]) -> Result<usize, NetError> {
        match file::read(self.fd, into)? {
            0 => Err(NetError::Closed),
            count => Ok(count),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Nothing is left to be told of a connection that is not needed any more.
        let _ = file::close(self.fd);
    }
}
