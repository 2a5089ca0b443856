//! One connection, between its packets and its socket.

use alloc::collections::VecDeque;

use abi::vsock::{
    Header, OP_CREDIT_REQUEST, OP_CREDIT_UPDATE, OP_REQUEST, OP_RESPONSE, OP_RST, OP_RW, OP_SHUTDOWN,
    SHUTDOWN_BOTH, SHUTDOWN_RECEIVE, SHUTDOWN_SEND, TYPE_STREAM,
};

use crate::errno::Errno;
use crate::mm::OutOfMemory;
use crate::mutant::{self, Mutant};

/// Bytes that can have come without a program having taken them.
pub(super) const ROOM_BYTES: u32 = 16 << 10;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The peer has not answered.
    Connecting,
    Established,
    /// The peer does not want it.
    Refused,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) local_port: u32,
    local_cid: u64,
    peer_port: u32,
    peer_cid: u64,
    stage: Stage,
    received: VecDeque<u8>,
    /// Bytes that programs have taken, and as many as the peer knows of.
    forwarded: u32,
    forwarded_told: u32,
    /// Bytes that were sent, room that the peer has, and bytes that it has taken out of it.
    sent: u32,
    peer_room: u32,
    peer_forwarded: u32,
    /// What each side does no more, as flags of SHUTDOWN.
    own_ended: u32,
    peer_ended: u32,
}

impl Connection {
    /// One that is to be asked for.
    pub(super) fn new(local: (u64, u32), peer: (u64, u32)) -> Result<Self, OutOfMemory> {
        let mut received = VecDeque::new();
        received
            .try_reserve_exact(ROOM_BYTES as usize)
            .map_err(|_| OutOfMemory)?;
        Ok(Self {
            local_cid: local.0,
            local_port: local.1,
            peer_cid: peer.0,
            peer_port: peer.1,
            stage: Stage::Connecting,
            received,
            forwarded: 0,
            forwarded_told: 0,
            sent: 0,
            peer_room: 0,
            peer_forwarded: 0,
            own_ended: 0,
            peer_ended: 0,
        })
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the packet is one of this connection's.
    pub(super) fn owns(&self, header: &Header) -> bool {
        (header.destination_cid, header.destination_port) == (self.local_cid, self.local_port)
            && (header.source_cid, header.source_port) == (self.peer_cid, self.peer_port)
    }

    pub(super) fn request(&mut self) -> Header {
        self.header(OP_REQUEST)
    }

    /// A packet has come; gives the one that answers it, if one does.
    pub(super) fn take(&mut self, header: &Header, data: &[u8]) -> Option<Header> {
        self.peer_room = header.room_bytes;
        self.peer_forwarded = header.forwarded;
        match (self.stage, header.operation) {
            (Stage::Connecting, OP_RESPONSE) => {
                self.stage = Stage::Established;
                None
            }
            (Stage::Connecting, OP_RST) => {
                self.stage = Stage::Refused;
                None
            }
            (Stage::Established, OP_RW) => self.receive(data),
            (Stage::Established, OP_SHUTDOWN) => {
                if !mutant::is(Mutant::VsockCloseUnseen) {
                    self.peer_ended |= header.flags & SHUTDOWN_BOTH;
                }
                None
            }
            (Stage::Established, OP_RST) => {
                self.peer_ended = SHUTDOWN_BOTH;
                None
            }
            (Stage::Established, OP_CREDIT_REQUEST) => Some(self.credit()),
            (Stage::Established, OP_CREDIT_UPDATE) | (Stage::Refused, _) => None,
            (Stage::Connecting | Stage::Established, _) => Some(self.give_up()),
        }
    }

    fn receive(&mut self, data: &[u8]) -> Option<Header> {
        if self.received.len() + data.len() > ROOM_BYTES as usize {
            return Some(self.give_up());
        }
        if self.own_ended & SHUTDOWN_RECEIVE == 0 {
            self.received.extend(data);
        } else {
            self.forwarded = self.forwarded.wrapping_add(data.len() as u32);
        }
        None
    }

    /// The peer does what nobody may.
    fn give_up(&mut self) -> Header {
        match self.stage {
            Stage::Established => self.peer_ended = SHUTDOWN_BOTH,
            Stage::Connecting | Stage::Refused => self.stage = Stage::Refused,
        }
        self.header(OP_RST)
    }

    /// How many bytes may be sent now; 0 when the peer has no room.
    pub(super) fn room_to_send(&self) -> Result<u32, Errno> {
        if self.own_ended & SHUTDOWN_SEND != 0 || self.peer_ended & SHUTDOWN_RECEIVE != 0 {
            Err(Errno::EPIPE)
        } else if self.stage != Stage::Established {
            Err(Errno::ENOTCONN)
        } else {
            let on_their_way = self.sent.wrapping_sub(self.peer_forwarded);
            Ok(self.peer_room.saturating_sub(on_their_way))
        }
    }

    /// The packet for data that there is room for.
    pub(super) fn data(&mut self, len_bytes: u32) -> Header {
        self.sent = self.sent.wrapping_add(len_bytes);
        Header {
            len_bytes,
            ..self.header(OP_RW)
        }
    }

    /// How many bytes can be taken now; `None` when nothing has come and something may. 0 is the end.
    pub(super) fn available(&self) -> Result<Option<usize>, Errno> {
        if self.stage != Stage::Established {
            Err(Errno::ENOTCONN)
        } else if self.own_ended & SHUTDOWN_RECEIVE != 0 {
            Ok(Some(0))
        } else if self.received.is_empty() && self.peer_ended & SHUTDOWN_SEND == 0 {
            Ok(None)
        } else {
            Ok(Some(self.received.len()))
        }
    }

    /// Takes bytes out to the front of `into`, and says how many.
    pub(super) fn take_out(&mut self, into: &mut [u8]) -> usize {
        let len = self.received.len().min(into.len());
        let (first, second) = self.received.as_slices();
        let in_first = len.min(first.len());
        into[..in_first].copy_from_slice(&first[..in_first]);
        into[in_first..len].copy_from_slice(&second[..len - in_first]);
        self.received.drain(..len);
        len
    }

    /// Puts back what was taken out and could not be used.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .rev()
            .for_each(|byte| self.received.push_front(*byte));
    }

    /// A program has got bytes; gives the packet that says so when the peer should know.
    pub(super) fn forward(&mut self, len_bytes: usize) -> Option<Header> {
        if mutant::is(Mutant::VsockCreditKept) {
            return None;
        }
        self.forwarded = self.forwarded.wrapping_add(len_bytes as u32);
        let received = self.forwarded.wrapping_add(self.received.len() as u32);
        let taken_as_told = received.wrapping_sub(self.forwarded_told);
        (taken_as_told > ROOM_BYTES / 2).then(|| self.credit())
    }

    /// The program ends one direction or both; gives the packet that says so.
    pub(super) fn end(&mut self, flags: u32) -> Header {
        self.own_ended |= flags;
        if flags & SHUTDOWN_RECEIVE != 0 {
            self.received.clear();
        }
        Header {
            flags,
            ..self.header(OP_SHUTDOWN)
        }
    }

    pub(super) fn reset(&mut self) -> Header {
        self.header(OP_RST)
    }

    pub(super) fn own_ended(&self) -> u32 {
        self.own_ended
    }

    pub(super) fn peer_ended(&self) -> u32 {
        self.peer_ended
    }

    fn credit(&mut self) -> Header {
        self.header(OP_CREDIT_UPDATE)
    }

    /// Every packet tells of the room that there is.
    fn header(&mut self, operation: u16) -> Header {
        self.forwarded_told = self.forwarded;
        Header {
            source_cid: self.local_cid,
            destination_cid: self.peer_cid,
            source_port: self.local_port,
            destination_port: self.peer_port,
            len_bytes: 0,
            socket_type: TYPE_STREAM,
            operation,
            flags: 0,
            room_bytes: ROOM_BYTES,
            forwarded: self.forwarded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = ROOM_BYTES as usize;

    fn packet(operation: u16) -> Header {
        Header {
            operation,
            room_bytes: 100,
            ..Header::default()
        }
    }

    fn established() -> Connection {
        let mut connection = Connection::new((3, 1024), (2, 9000)).unwrap();
        assert_eq!(connection.room_to_send(), Err(Errno::ENOTCONN));
        assert_eq!(connection.take(&packet(OP_RESPONSE), &[]), None);
        connection
    }

    #[test]
    fn no_more_is_sent_than_the_peer_has_room_for_and_counters_may_wrap() {
        let mut connection = established();
        connection.sent = u32::MAX - 9;
        let account = |forwarded| Header {
            forwarded,
            ..packet(OP_CREDIT_UPDATE)
        };
        connection.take(&account(u32::MAX - 9), &[]);
        assert_eq!(connection.room_to_send(), Ok(100));
        connection.data(60);
        assert_eq!(connection.room_to_send(), Ok(40));
        connection.take(&account(u32::MAX), &[]);
        assert_eq!(connection.room_to_send(), Ok(49));
        // A peer that counts backwards has no room.
        connection.take(&account(1_000_000), &[]);
        assert_eq!(connection.room_to_send(), Ok(0));
    }

    #[test]
    fn the_peer_learns_of_room_once_it_knows_of_less_than_half() {
        let mut connection = established();
        let half = ROOM / 2;
        connection.take(&packet(OP_RW), &vec![7; half]);
        let mut bytes = vec![0; half];
        assert_eq!(connection.take_out(&mut bytes), half);
        assert_eq!(connection.forward(half), None);
        connection.take(&packet(OP_RW), &[1, 2, 3]);
        assert_eq!(connection.take_out(&mut bytes), 3);
        assert_eq!(bytes[..4], [1, 2, 3, 7]);
        let told = connection.forward(3).unwrap();
        assert_eq!(
            (told.operation, told.forwarded as usize),
            (OP_CREDIT_UPDATE, half + 3)
        );
        assert_eq!(connection.forward(0), None);
    }

    #[test]
    fn more_than_there_is_room_for_ends_the_connection() {
        let mut connection = established();
        assert_eq!(connection.take(&packet(OP_RW), &vec![0; ROOM]), None);
        let answer = connection.take(&packet(OP_RW), &[0]).unwrap();
        assert_eq!(answer.operation, OP_RST);
        assert_eq!(connection.available(), Ok(Some(ROOM)));
        assert_eq!(connection.room_to_send(), Err(Errno::EPIPE));
    }

    #[test]
    fn what_has_come_can_be_taken_after_the_peer_has_ended() {
        let mut connection = established();
        assert_eq!(connection.available(), Ok(None));
        connection.take(&packet(OP_RW), b"ab");
        let end = Header {
            flags: SHUTDOWN_SEND,
            ..packet(OP_SHUTDOWN)
        };
        connection.take(&end, &[]);
        let mut bytes = [0; 1];
        assert_eq!(connection.take_out(&mut bytes), 1);
        connection.put_back(&bytes);
        assert_eq!(connection.take_out(&mut [0; 9]), 2);
        assert_eq!(connection.available(), Ok(Some(0)));
        assert_eq!(connection.room_to_send(), Ok(100), "the peer still receives");
    }

    #[test]
    fn a_peer_that_answers_a_request_with_anything_else_is_refused() {
        let mut connection = Connection::new((3, 1024), (2, 9000)).unwrap();
        let answer = connection.take(&packet(OP_RW), b"x").unwrap();
        assert_eq!((answer.operation, connection.stage()), (OP_RST, Stage::Refused));
    }
}
