//! A socket to a server, which nothing waits for.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType, connect, recv,
    send, shutdown, socket_with, sockopt,
};

use super::hosts::Endpoint;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The server's system has not answered yet.
    UnderWay,
    Connected,
}

#[derive(Debug)]
pub(super) struct HostSocket(OwnedFd);

impl HostSocket {
    /// Begins to connect.
    pub(super) fn connect(place: &Endpoint) -> Result<(Self, Progress), Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let open = |family| socket_with(family, SocketType::STREAM, flags, None);
        let (fd, outcome) = match place {
            Endpoint::Unix(path) => {
                let fd = open(AddressFamily::UNIX)?;
                let outcome = connect(&fd, &SocketAddrUnix::new(path)?);
                (fd, outcome)
            }
            Endpoint::Tcp(address) => {
                let family = if address.is_ipv4() {
                    AddressFamily::INET
                } else {
                    AddressFamily::INET6
                };
                let fd = open(family)?;
                // Requests are short and wait for their answers; that a packet could hold more helps nobody.
                sockopt::set_tcp_nodelay(&fd, true)?;
                let outcome = connect(&fd, address);
                (fd, outcome)
            }
        };
        match outcome {
            Ok(()) => Ok((Self(fd), Progress::Connected)),
            Err(Errno::INPROGRESS) => Ok((Self(fd), Progress::UnderWay)),
            // Among them a server with too many callers in its queue.
            Err(errno) => Err(errno),
        }
    }

    /// How far a connection that was under way has come.
    pub(super) fn progress(&self) -> Result<Progress, Errno> {
        if self.ready(PollFlags::OUT)?.is_empty() {
            return Ok(Progress::UnderWay);
        }
        sockopt::socket_error(&self.0)??;
        Ok(Progress::Connected)
    }

    /// How many bytes there are now; 0 at the end.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> Result<usize, Errno> {
        recv(&self.0, buffer, RecvFlags::DONTWAIT).map(|(_, count)| count)
    }

    /// How many bytes the system takes now.
    pub(super) fn send(&self, bytes: &[u8]) -> Result<usize, Errno> {
        send(&self.0, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
    }

    /// Tells the server that nothing more comes.
    pub(super) fn end(&self) {
        // A server that is gone knows already.
        let _ = shutdown(&self.0, Shutdown::Write);
    }

    /// Whether the server has closed both directions.
    pub(super) fn is_hung_up(&self) -> bool {
        let ready = self.ready(PollFlags::empty());
        ready.is_ok_and(|ready| ready.intersects(PollFlags::HUP | PollFlags::ERR))
    }

    /// What of these it is ready for now; the end and errors are among them unasked.
    fn ready(&self, flags: PollFlags) -> Result<PollFlags, Errno> {
        const NOW: Timespec = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut entry = [PollFd::new(&self.0, flags)];
        poll(&mut entry, Some(&NOW))?;
        Ok(entry[0].revents())
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
