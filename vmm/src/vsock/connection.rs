//! One connection: packets of the guest on one side, a socket to the server on the other, and credit in between.
//!
//! ```text
//!   guest ── RW ──> outgoing ──> socket        the guest sends no more than `outgoing` has room for
//!   guest <── RW ── incoming <── socket        the socket is read for no more than the guest has room for
//! ```

use std::collections::VecDeque;

use abi::vsock::{
    Header, OP_CREDIT_REQUEST, OP_CREDIT_UPDATE, OP_RESPONSE, OP_RST, OP_RW, OP_SHUTDOWN, SHUTDOWN_BOTH,
    SHUTDOWN_RECEIVE, SHUTDOWN_SEND,
};
use rustix::event::PollFlags;
use rustix::io::Errno;

use super::hosts::Endpoint;
use super::socket::{HostSocket, Progress};

/// Room for what the guest sends and the server has not taken yet; and most of what is read ahead for the guest.
pub const BUFFER_BYTES: u32 = 64 << 10;
/// Bytes that one read takes from the server.
const READ_BYTES: usize = 16 << 10;

/// Which packets may go to the guest now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Answers that depend on nothing but what the guest has sent.
    Answers,
    /// All.
    Everything,
}

/// A packet that is to go to the guest, but for who sends it to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outbound {
    pub(super) operation: u16,
    pub(super) flags: u32,
    pub(super) room_bytes: u32,
    pub(super) forwarded: u32,
    pub(super) data: Vec<u8>,
}

impl Outbound {
    pub(super) fn reset() -> Self {
        Self {
            operation: OP_RST,
            flags: 0,
            room_bytes: 0,
            forwarded: 0,
            data: Vec::new(),
        }
    }
}

/// The guest does what nobody may on a connection: it is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Violation;

#[derive(Debug)]
pub(super) struct Connection {
    socket: HostSocket,
    progress: Progress,
    outgoing: VecDeque<u8>,
    /// Bytes that the server has taken, and as many as the guest knows of.
    forwarded: u32,
    forwarded_told: u32,
    incoming: VecDeque<u8>,
    /// Bytes that went to the guest, room that it has, and bytes that it has taken out of it.
    sent: u32,
    guest_room: u32,
    guest_forwarded: u32,
    /// What each side does no more, as flags of SHUTDOWN, and as much of the server's as the guest knows of.
    guest_ended: u32,
    server_ended: u32,
    server_ended_told: u32,
    /// The server has been told that the guest sends no more.
    end_passed_on: bool,
    owes_response: bool,
    owes_credit: bool,
    owes_reset: bool,
    /// It let the guest wait for as long as a guest does.
    is_silent: bool,
}

impl Connection {
    /// For a request of the guest.
    pub(super) fn open(endpoint: &Endpoint, request: &Header) -> Result<Self, Errno> {
        let (socket, progress) = HostSocket::connect(endpoint)?;
        Ok(Self {
            socket,
            progress,
            outgoing: VecDeque::new(),
            forwarded: 0,
            forwarded_told: 0,
            incoming: VecDeque::new(),
            sent: 0,
            guest_room: request.room_bytes,
            guest_forwarded: request.forwarded,
            guest_ended: 0,
            server_ended: 0,
            server_ended_told: 0,
            end_passed_on: false,
            owes_response: progress == Progress::Connected,
            owes_credit: false,
            owes_reset: false,
            is_silent: false,
        })
    }

    /// A packet of the guest on this connection, other than a request or a reset.
    pub(super) fn take(&mut self, header: &Header, data: &[u8]) -> Result<(), Violation> {
        self.guest_room = header.room_bytes;
        self.guest_forwarded = header.forwarded;
        match header.operation {
            OP_RW => {
                let room = BUFFER_BYTES as usize - self.outgoing.len();
                let may_send = self.progress == Progress::Connected && self.guest_ended & SHUTDOWN_SEND == 0;
                if !may_send || data.len() > room {
                    return Err(Violation);
                }
                self.is_silent = false;
                if self.server_ended & SHUTDOWN_RECEIVE == 0 {
                    self.outgoing.extend(data);
                } else {
                    self.forwarded = self.forwarded.wrapping_add(data.len() as u32);
                }
            }
            OP_SHUTDOWN => {
                self.guest_ended |= header.flags & SHUTDOWN_BOTH;
                if self.guest_ended & SHUTDOWN_RECEIVE != 0 {
                    self.incoming.clear();
                }
            }
            OP_CREDIT_REQUEST => self.owes_credit = true,
            OP_CREDIT_UPDATE => {}
            _ => return Err(Violation),
        }
        self.flush();
        Ok(())
    }

    /// Moves what can be moved between here and the server.
    pub(super) fn pump(&mut self) {
        if self.progress == Progress::UnderWay {
            match self.socket.progress() {
                Ok(Progress::UnderWay) => return,
                Ok(Progress::Connected) => {
                    self.progress = Progress::Connected;
                    self.owes_response = true;
                    self.is_silent = false;
                }
                Err(_) => {
                    self.owes_reset = true;
                    return;
                }
            }
        }
        self.flush();
        self.read();
        // Less than half is free as far as the guest knows, and it knows too little.
        let known_free = BUFFER_BYTES.saturating_sub(self.unforwarded_as_told());
        self.owes_credit |= self.forwarded != self.forwarded_told && known_free < BUFFER_BYTES / 2;
    }

    /// What to wait for before there is something new; None when nothing is to be expected.
    pub(super) fn awaited(&self) -> Option<PollFlags> {
        if self.is_silent || self.owes_reset {
            return None;
        }
        let mut flags = PollFlags::empty();
        flags.set(
            PollFlags::OUT,
            self.progress == Progress::UnderWay || !self.outgoing.is_empty(),
        );
        flags.set(PollFlags::IN, self.can_read());
        Some(flags).filter(|flags| !flags.is_empty())
    }

    pub(super) fn socket(&self) -> &HostSocket {
        &self.socket
    }

    /// It has let the guest wait for long enough.
    pub(super) fn give_up_waiting(&mut self) {
        self.is_silent = true;
    }

    pub(super) fn is_due(&self, due: Due) -> bool {
        let is_answer = self.is_over() || self.owes_response;
        let is_news = self.owes_credit
            || !self.incoming.is_empty() && self.guest_free() > 0
            || self.incoming.is_empty() && self.server_ended != self.server_ended_told;
        is_answer || due == Due::Everything && is_news
    }

    /// The next packet for the guest, with data for at most `room` bytes.
    pub(super) fn next(&mut self, due: Due, room: usize) -> Option<Outbound> {
        let (operation, flags, len) = if self.is_over() {
            return Some(Outbound::reset());
        } else if self.owes_response {
            self.owes_response = false;
            (OP_RESPONSE, 0, 0)
        } else if due == Due::Answers {
            return None;
        } else if !self.incoming.is_empty() && self.guest_free() > 0 && room > 0 {
            let len = self.incoming.len().min(room).min(self.guest_free() as usize);
            (OP_RW, 0, len)
        } else if self.incoming.is_empty() && self.server_ended != self.server_ended_told {
            self.server_ended_told = self.server_ended;
            (OP_SHUTDOWN, self.server_ended, 0)
        } else if self.owes_credit {
            (OP_CREDIT_UPDATE, 0, 0)
        } else {
            return None;
        };
        self.owes_credit = false;
        self.forwarded_told = self.forwarded;
        self.sent = self.sent.wrapping_add(len as u32);
        Some(Outbound {
            operation,
            flags,
            room_bytes: BUFFER_BYTES,
            forwarded: self.forwarded,
            data: self.incoming.drain(..len).collect(),
        })
    }

    /// Whether a reset is the next packet: then nothing comes after it. What the server said before it went comes first.
    pub(super) fn is_over(&self) -> bool {
        self.owes_reset && self.incoming.is_empty()
    }

    /// Bytes that the guest has room for. It may say of itself what it likes.
    fn guest_free(&self) -> u32 {
        self.guest_room
            .saturating_sub(self.sent.wrapping_sub(self.guest_forwarded))
    }

    fn unforwarded_as_told(&self) -> u32 {
        let received = self.forwarded.wrapping_add(self.outgoing.len() as u32);
        received.wrapping_sub(self.forwarded_told)
    }

    fn can_read(&self) -> bool {
        self.progress == Progress::Connected
            && self.server_ended & SHUTDOWN_SEND == 0
            && self.guest_ended & SHUTDOWN_RECEIVE == 0
            && self.incoming.is_empty()
            && self.guest_free() > 0
    }

    /// Passes on what the guest has sent.
    fn flush(&mut self) {
        while self.progress == Progress::Connected && !self.outgoing.is_empty() {
            match self.socket.send(self.outgoing.as_slices().0) {
                Ok(count) => {
                    self.outgoing.drain(..count);
                    self.forwarded = self.forwarded.wrapping_add(count as u32);
                    self.is_silent = false;
                }
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(Errno::PIPE) => {
                    let lost = self.outgoing.len() as u32;
                    self.outgoing.clear();
                    self.forwarded = self.forwarded.wrapping_add(lost);
                    self.server_ended |= SHUTDOWN_RECEIVE;
                }
                Err(_) => {
                    self.owes_reset = true;
                    return;
                }
            }
        }
        if self.guest_ended & SHUTDOWN_SEND != 0 && !self.end_passed_on {
            self.socket.end();
            self.end_passed_on = true;
        }
        // Both sides of the guest's are closed, and all that it had to say is said.
        self.owes_reset |= self.guest_ended == SHUTDOWN_BOTH;
    }

    /// Reads what the guest has room for.
    fn read(&mut self) {
        if !self.can_read() {
            return;
        }
        let mut buffer = [0; READ_BYTES];
        let room = self.guest_free().min(BUFFER_BYTES) as usize;
        while self.incoming.len() < room {
            let len = READ_BYTES.min(room - self.incoming.len());
            match self.socket.receive(&mut buffer[..len]) {
                Ok(0) => {
                    // A server that has closed altogether does not receive any more either.
                    self.server_ended |= if self.socket.is_hung_up() {
                        SHUTDOWN_BOTH
                    } else {
                        SHUTDOWN_SEND
                    };
                    self.is_silent = false;
                    return;
                }
                Ok(count) => {
                    self.incoming.extend(&buffer[..count]);
                    self.is_silent = false;
                }
                Err(Errno::AGAIN | Errno::INTR) => return,
                Err(_) => {
                    self.owes_reset = true;
                    return;
                }
            }
        }
    }
}
