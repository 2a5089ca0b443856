//! The connection to a debugger: one at a time, and the first that comes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use super::Place;

/// Bytes that are read or sent at once.
const CHUNK_BYTES: usize = 4096;
/// Not to wait at all.
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// Nobody can be waited for.
#[derive(Debug, thiserror::Error)]
#[error("cannot wait for a debugger at {place}")]
pub struct ConnectError {
    place: Place,
    source: io::Error,
}

/// Waits until a debugger connects. `announce` is told where it can, before.
pub(super) fn accept(place: &Place, announce: impl FnOnce(&Place)) -> Result<Connection, ConnectError> {
    let accepted = match place {
        Place::Tcp(address) => accept_tcp(*address, announce),
        Place::Unix(path) => accept_unix(path, announce),
    };
    let stream = accepted.map_err(|source| ConnectError {
        place: place.clone(),
        source,
    })?;
    Ok(Connection {
        stream: stream.into(),
        received: Vec::new(),
        to_send: Vec::new(),
    })
}

fn accept_tcp(address: SocketAddr, announce: impl FnOnce(&Place)) -> io::Result<OwnedFd> {
    let listener = TcpListener::bind(address)?;
    announce(&Place::Tcp(listener.local_addr()?));
    let (stream, _) = listener.accept()?;
    // Answers are short, and each is waited for.
    stream.set_nodelay(true)?;
    Ok(stream.into())
}

fn accept_unix(path: &Path, announce: impl FnOnce(&Place)) -> io::Result<OwnedFd> {
    let listener = match UnixListener::bind(path) {
        // Nobody waits there any more.
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_behind(path) => {
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        other => other,
    }?;
    announce(&Place::Unix(path.to_owned()));
    let accepted = listener.accept();
    fs::remove_file(path)?;
    Ok(accepted?.0.into())
}

fn is_left_behind(path: &Path) -> bool {
    // Whoever connects to a file that is none is refused, too.
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    is_socket && UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// A connection. It is read and written as a file, by the calls that every run may make.
pub(super) struct Connection {
    stream: File,
    /// What was read and not used yet, the last byte first.
    received: Vec<u8>,
    to_send: Vec<u8>,
}

impl Connection {
    /// The next byte; waits for it.
    pub(super) fn read(&mut self) -> io::Result<u8> {
        loop {
            if let Some(byte) = self.received.pop() {
                return Ok(byte);
            }
            self.receive()?;
        }
    }

    /// The next byte, if it is there.
    pub(super) fn read_ready(&mut self) -> io::Result<Option<u8>> {
        if self.received.is_empty() {
            let mut ready = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN)];
            if retry_on_intr(|| poll(&mut ready, Some(&AT_ONCE)))? == 0 {
                return Ok(None);
            }
            self.receive()?;
        }
        Ok(self.received.pop())
    }

    /// Shows text at the debugger's console. The debugger waits for the guest to stand still.
    pub(super) fn tell(&mut self, text: &str) -> io::Result<()> {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        self.send(&format!("O{hex}"))
    }

    /// Says that what was asked is done.
    pub(super) fn confirm(&mut self) -> io::Result<()> {
        self.send("OK")
    }

    fn send(&mut self, body: &str) -> io::Result<()> {
        let checksum = body.bytes().fold(0, u8::wrapping_add);
        write!(self.stream, "${body}#{checksum:02x}")
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut bytes = [0; CHUNK_BYTES];
        let count = retry(|| self.stream.read(&mut bytes))?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.received.extend(bytes[..count].iter().rev());
        Ok(())
    }
}

/// Tries again when a signal came first: the watchdog sends some.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

impl gdbstub::conn::Connection for Connection {
    type Error = io::Error;

    fn write(&mut self, byte: u8) -> io::Result<()> {
        self.to_send.push(byte);
        if self.to_send.len() < CHUNK_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.to_send)?;
        self.to_send.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::thread;

    #[test]
    fn whoever_connects_is_heard_and_answered_and_a_socket_is_gone_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gdb");
        let mut client = None;
        let mut connection = accept(&Place::Unix(path.clone()), |place| {
            let Place::Unix(path) = place else {
                panic!("{place:?}")
            };
            client = Some(UnixStream::connect(path).unwrap());
        })
        .unwrap();
        let mut client = client.unwrap();
        assert!(!path.exists());
        assert_eq!(connection.read_ready().unwrap(), None);
        client.write_all(b"ab").unwrap();
        assert_eq!(connection.read().unwrap(), b'a');
        assert_eq!(connection.read_ready().unwrap(), Some(b'b'));
        connection.tell("hi").unwrap();
        let mut packet = [0; 9];
        client.read_exact(&mut packet).unwrap();
        assert_eq!(&packet, b"$O6869#2c");
        drop(client);
        assert_eq!(connection.read().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_socket_that_was_left_behind_is_replaced_and_another_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gdb");
        drop(UnixListener::bind(&path).unwrap());
        let connected = |place: &Place| drop(UnixStream::connect(place.to_string()).unwrap());
        accept(&Place::Unix(path.clone()), connected).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(accept(&Place::Unix(path.clone()), |_| panic!("nobody is waited for")).is_err());
        assert!(path.exists());
    }

    #[test]
    fn any_free_port_is_told_by_its_number() {
        let mut client = None;
        accept(&"0".parse().unwrap(), |place| {
            let address = place.to_string();
            client = Some(thread::spawn(move || TcpStream::connect(address).unwrap()));
        })
        .unwrap();
        client.unwrap().join().unwrap();
    }
}
