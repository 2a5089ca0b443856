//! The socket device, as the virtio specification has it ("Socket Device"), and what Ringside's does where that leaves a choice.
//!
//! Where the machine has no interrupt controllers the device raises no interrupts. What the driver sends is taken before the write to the notification register returns, and an
//! answer that needs no server (a refusal) is in the receive queue then. What servers say is put there when the driver notifies the
//! *receive* queue, which it need not do for the sake of its buffers: it says "somebody waits for the network". With a virtual clock
//! the device then waits for the servers, for a bounded real time, so that guest time does not depend on their speed.

use crate::virtio;

/// Guest physical address of the registers.
pub const PHYS_BASE: u64 = virtio::phys_base(1);
/// The device's interrupt line, as the command line names it.
pub const INTERRUPT: u32 = 6;

/// The guest's context identifier: the first that is not reserved.
pub const GUEST_CID: u64 = 3;
/// The host's context identifier (`VMADDR_CID_HOST`).
pub const HOST_CID: u64 = 2;

/// Number of the queue that the device fills.
pub const RECEIVE_QUEUE: u16 = 0;
/// Number of the queue that the driver fills.
pub const TRANSMIT_QUEUE: u16 = 1;

/// Bytes of a packet's header. All of its numbers are little endian.
pub const HEADER_BYTES: usize = 44;
/// Type of a packet: of a stream socket.
pub const TYPE_STREAM: u16 = 1;

/// Operation: connect.
pub const OP_REQUEST: u16 = 1;
/// Operation: connected.
pub const OP_RESPONSE: u16 = 2;
/// Operation: there is no such connection (any more).
pub const OP_RST: u16 = 3;
/// Operation: the sender will not receive, or not send; the flags say which.
pub const OP_SHUTDOWN: u16 = 4;
/// Operation: data.
pub const OP_RW: u16 = 5;
/// Operation: nothing but the header's account of room.
pub const OP_CREDIT_UPDATE: u16 = 6;
/// Operation: the sender wants an [`OP_CREDIT_UPDATE`].
pub const OP_CREDIT_REQUEST: u16 = 7;

/// Flag of [`OP_SHUTDOWN`]: the sender receives no more.
pub const SHUTDOWN_RECEIVE: u32 = 1;
/// Flag of [`OP_SHUTDOWN`]: the sender sends no more.
pub const SHUTDOWN_SEND: u32 = 2;
/// Both flags of [`OP_SHUTDOWN`].
pub const SHUTDOWN_BOTH: u32 = SHUTDOWN_RECEIVE | SHUTDOWN_SEND;

/// A packet's header, without what is the same in every packet of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Who sends.
    pub source_cid: u64,
    /// Who is to receive.
    pub destination_cid: u64,
    /// The sender's port.
    pub source_port: u32,
    /// The receiver's port.
    pub destination_port: u32,
    /// Bytes of data that follow.
    pub len_bytes: u32,
    /// [`TYPE_STREAM`].
    pub socket_type: u16,
    /// One of the operations.
    pub operation: u16,
    /// Of [`OP_SHUTDOWN`].
    pub flags: u32,
    /// Bytes that the sender has room for in all.
    pub room_bytes: u32,
    /// Bytes that the sender has passed on so far, modulo 2^32.
    pub forwarded: u32,
}

impl Header {
    /// As it goes through the queues.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&self.source_cid.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.destination_cid.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.source_port.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.destination_port.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.len_bytes.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.socket_type.to_le_bytes());
        bytes[30..32].copy_from_slice(&self.operation.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.flags.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.room_bytes.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.forwarded.to_le_bytes());
        bytes
    }

    /// From the queues; every field may hold anything.
    #[must_use]
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let double = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        Self {
            source_cid: double(0),
            destination_cid: double(8),
            source_port: word(16),
            destination_port: word(20),
            len_bytes: word(24),
            socket_type: half(28),
            operation: half(30),
            flags: word(32),
            room_bytes: word(36),
            forwarded: word(40),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_lies_as_the_specification_says_and_survives_the_queues() {
        let header = Header {
            source_cid: 0x0101_0101_0101_0101,
            destination_cid: 0x0202_0202_0202_0202,
            source_port: 0x0303_0303,
            destination_port: 0x0404_0404,
            len_bytes: 0x0505_0505,
            socket_type: 0x0606,
            operation: 0x0707,
            flags: 0x0808_0808,
            room_bytes: 0x0909_0909,
            forwarded: 0x0a0a_0a0a,
        };
        let lens = [8, 8, 4, 4, 4, 2, 2, 4, 4, 4];
        let mut expected = [0; HEADER_BYTES];
        let mut at = 0;
        for (value, len) in (1..).zip(lens) {
            expected[at..at + len].fill(value);
            at += len;
        }
        assert_eq!(header.encode(), expected);
        assert_eq!(Header::decode(&expected), header);
    }
}
