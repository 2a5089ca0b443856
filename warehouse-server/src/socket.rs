//! TCP and Unix sockets as one.

use std::fmt;
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Host and port; port 0 is any that is free.
    Tcp(String),
    /// A path that must not exist yet. It is removed at the end.
    Unix(PathBuf),
}

/// Nobody can listen there.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// Where.
    pub address: Address,
    /// Why not.
    pub source: io::Error,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(crate) fn bind(address: &Address) -> Result<Self, BindError> {
        let bound = match address {
            Address::Tcp(host) => TcpListener::bind(host).map(Self::Tcp),
            Address::Unix(path) => {
                UnixListener::bind(path).map(|listener| Self::Unix(listener, path.clone()))
            }
        };
        bound.map_err(|source| BindError {
            address: address.clone(),
            source,
        })
    }

    /// Where it really listens.
    pub(crate) fn address(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(listener) => Address::Tcp(listener.local_addr()?.to_string()),
            Self::Unix(_, path) => Address::Unix(path.clone()),
        })
    }

    /// From now on nobody waits for a connection: without one, accepting fails.
    pub(crate) fn stop_waiting(&self) -> io::Result<()> {
        match self {
            Self::Tcp(listener) => listener.set_nonblocking(true),
            Self::Unix(listener, _) => listener.set_nonblocking(true),
        }
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        Ok(match self {
            Self::Tcp(listener) => Stream::Tcp(listener.accept()?.0),
            Self::Unix(listener, _) => Stream::Unix(listener.accept()?.0),
        })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // Whoever removed it already wanted the same.
            let _ = std::fs::remove_file(path);
        }
    }
}

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Does the same with whichever stream it is.
macro_rules! either {
    ($stream:expr, $inner:ident => $action:expr) => {
        match $stream {
            Stream::Tcp($inner) => $action,
            Stream::Unix($inner) => $action,
        }
    };
}

impl Stream {
    pub(crate) fn connect(address: &Address) -> io::Result<Self> {
        match address {
            Address::Tcp(host) => {
                let addresses: Vec<SocketAddr> = host.to_socket_addrs()?.collect();
                TcpStream::connect(addresses.as_slice()).map(Self::Tcp)
            }
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
        })
    }

    /// Waits until it is ready for that, or has ended; false when it was not within the limit.
    pub(crate) fn wait(&self, what: PollFlags, limit: Option<Duration>) -> io::Result<bool> {
        let limit = limit
            .map(|limit| Timespec::try_from(limit).map_err(io::Error::other))
            .transpose()?;
        let mut entry = [either!(self, stream => PollFd::new(stream, what))];
        loop {
            match poll(&mut entry, limit.as_ref()) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Sends as much as there is room for now.
    pub(crate) fn send_now(&self, bytes: &[u8]) -> io::Result<usize> {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        Ok(either!(self, stream => send(stream, bytes, flags))?)
    }

    pub(crate) fn shutdown(&self, which: Shutdown) -> io::Result<()> {
        either!(self, stream => stream.shutdown(which))
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        either!(self, stream => stream.read(buffer))
    }
}
