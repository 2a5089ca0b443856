//! One channel: a socket, and the process that uses it.
//!
//! A channel's end of file says little: all agents inherit all agents' ends, and while one of them lives the socket stays
//! open. So the process itself is watched, from its hello on, through a pidfd. A packet that it sent before it died counts
//! before its death.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

use super::error::ReferenceError;
use super::family::{open_process, wait_readable};
use super::packet::{MAX_PACKET_BYTES, Packet, Reply, Request};

/// How a process introduced itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessIds {
    /// Its process id.
    pub process: u32,
    /// Its parent's.
    pub parent: u32,
}

/// What [`super::LinuxAgent::receive`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// A new process took the channel over.
    Hello(ProcessIds),
    /// The process completed its operation.
    Reply(Reply),
    /// The process ended. Its wait status is its parent's to ask for.
    Died,
    /// Nothing came in time.
    TimedOut,
}

pub(super) struct Channel {
    number: usize,
    socket: OwnedFd,
    occupant: Option<Occupant>,
}

struct Occupant {
    ids: ProcessIds,
    /// Becomes readable when the process ends. None: it had ended, and was reaped, before its hello was read.
    process: Option<OwnedFd>,
}

impl Channel {
    /// The channel and the agents' end of its socket.
    pub(super) fn new(number: usize) -> Result<(Self, OwnedFd), ReferenceError> {
        let (socket, agents_end) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(ReferenceError::system("make a channel's socket"))?;
        Ok((
            Self {
                number,
                socket,
                occupant: None,
            },
            agents_end,
        ))
    }

    pub(super) fn occupant(&self) -> Option<ProcessIds> {
        self.occupant.as_ref().map(|occupant| occupant.ids)
    }

    pub(super) fn send(&self, request: &Request) -> Result<(), ReferenceError> {
        let packet = request.encode()?;
        match send(&self.socket, &packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            // When all agents are gone, `receive` is the one to say so.
            Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
            Err(errno) => Err(ReferenceError::system("send an operation")(errno)),
        }
    }

    pub(super) fn receive(&mut self, timeout: Duration) -> Result<Received, ReferenceError> {
        let deadline = Instant::now() + timeout;
        loop {
            // Asked first: what it sent before it died is in the socket by the time that it is seen dead.
            let is_dead = self.occupant_is_dead()?;
            match self.receive_waiting()? {
                Waiting::Message(received) => return Ok(received),
                Waiting::Nothing | Waiting::Closed if is_dead => {
                    self.occupant = None;
                    return Ok(Received::Died);
                }
                // Nobody is there, and nobody can come.
                Waiting::Closed if self.occupant.is_none() => return Ok(Received::Died),
                waiting @ (Waiting::Nothing | Waiting::Closed) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if !self.wait_for_change(&waiting, left)? {
                        return Ok(Received::TimedOut);
                    }
                }
            }
        }
    }

    fn occupant_is_dead(&self) -> Result<bool, ReferenceError> {
        match &self.occupant {
            Some(Occupant {
                process: Some(process),
                ..
            }) => wait_readable(&[process], Duration::ZERO),
            Some(Occupant { process: None, .. }) => Ok(true),
            None => Ok(false),
        }
    }

    /// False if the time is over.
    fn wait_for_change(&self, waiting: &Waiting, left: Duration) -> Result<bool, ReferenceError> {
        let mut watched = Vec::new();
        // A closed socket is readable all the time, and says nothing more.
        if !matches!(waiting, Waiting::Closed) {
            watched.push(&self.socket);
        }
        watched.extend(
            self.occupant
                .as_ref()
                .and_then(|occupant| occupant.process.as_ref()),
        );
        wait_readable(&watched, left)
    }

    fn receive_waiting(&mut self) -> Result<Waiting, ReferenceError> {
        let mut buffer = [0; MAX_PACKET_BYTES];
        let len_bytes = match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT | RecvFlags::TRUNC) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(Waiting::Closed),
            Ok((_, len_bytes)) => len_bytes,
            Err(Errno::AGAIN) => return Ok(Waiting::Nothing),
            Err(errno) => return Err(ReferenceError::system("receive from a channel")(errno)),
        };
        let malformed = || ReferenceError::Malformed {
            channel: self.number,
            len_bytes,
        };
        let packet = buffer
            .get(..len_bytes)
            .and_then(Packet::decode)
            .ok_or_else(malformed)?;
        match packet {
            Packet::Reply(reply) => Ok(Waiting::Message(Received::Reply(reply))),
            Packet::Hello(ids) => {
                // Until its parent has waited for it, the id is its own.
                let process = open_process(ids.process)?;
                self.occupant = Some(Occupant { ids, process });
                Ok(Waiting::Message(Received::Hello(ids)))
            }
        }
    }
}

/// What the socket holds.
enum Waiting {
    Message(Received),
    Nothing,
    /// Nothing, for ever: no process has the other end.
    Closed,
}
