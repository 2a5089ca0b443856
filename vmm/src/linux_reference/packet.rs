//! Messages as packets, as [`abi::doorbell::socket`] lays them out.

use abi::doorbell::socket::{HELLO_BYTES, REPLY_HEADER_BYTES, REQUEST_HEADER_BYTES};
use abi::doorbell::{ARGUMENT_COUNT, MAX_TRANSFER_BYTES};

use super::channel::ProcessIds;
use super::error::ReferenceError;

/// Longest packet that an agent sends.
pub(super) const MAX_PACKET_BYTES: usize = REPLY_HEADER_BYTES + MAX_TRANSFER_BYTES as usize;

const WORD_BYTES: usize = size_of::<u64>();

/// An operation for an agent, see [`abi::operation`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// One of the codes of [`abi::operation`].
    pub code: u64,
    /// Meaning by code; unused ones are 0.
    pub arguments: [u64; ARGUMENT_COUNT],
    /// Bytes that go along.
    pub payload: Vec<u8>,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The return value, as the system call returned it (`-errno` on failure).
    pub result: i64,
    /// The second value, 0 if the operation has none.
    pub value: u64,
    /// Bytes that came back.
    pub data: Vec<u8>,
}

/// A packet from an agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Hello(ProcessIds),
    Reply(Reply),
}

impl Request {
    pub(super) fn encode(&self) -> Result<Vec<u8>, ReferenceError> {
        let len_bytes = self.payload.len();
        if len_bytes as u64 > MAX_TRANSFER_BYTES {
            return Err(ReferenceError::PayloadTooLong {
                len_bytes,
                max_bytes: MAX_TRANSFER_BYTES,
            });
        }
        let mut packet = Vec::with_capacity(REQUEST_HEADER_BYTES + len_bytes);
        packet.extend(self.code.to_le_bytes());
        packet.extend(self.arguments.iter().flat_map(|argument| argument.to_le_bytes()));
        packet.extend((len_bytes as u64).to_le_bytes());
        packet.extend(&self.payload);
        Ok(packet)
    }
}

impl Packet {
    /// Nothing if it is neither a hello nor a whole reply.
    pub(super) fn decode(packet: &[u8]) -> Option<Self> {
        if packet.len() == HELLO_BYTES {
            let ids = word(packet, 0)?;
            return Some(Self::Hello(ProcessIds {
                process: ids as u32,
                parent: (ids >> 32) as u32,
            }));
        }
        let data = packet.get(REPLY_HEADER_BYTES..)?;
        if word(packet, 2)? != data.len() as u64 {
            return None;
        }
        Some(Self::Reply(Reply {
            result: word(packet, 0)?.cast_signed(),
            value: word(packet, 1)?,
            data: data.to_vec(),
        }))
    }
}

fn word(packet: &[u8], index: usize) -> Option<u64> {
    let bytes = packet.get(index * WORD_BYTES..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_code_arguments_and_payload_length_in_front_of_the_payload() {
        let request = Request {
            code: 7,
            arguments: [0x1000, 3, 0, 0, 0, u64::MAX],
            payload: b"abc".to_vec(),
        };
        let packet = request.encode().unwrap();
        assert_eq!(packet.len(), REQUEST_HEADER_BYTES + 3);
        let words: Vec<u64> = (0..8).map(|index| word(&packet, index).unwrap()).collect();
        assert_eq!(words, [7, 0x1000, 3, 0, 0, 0, u64::MAX, 3]);
        assert_eq!(&packet[REQUEST_HEADER_BYTES..], b"abc");
    }

    #[test]
    fn a_payload_longer_than_a_message_is_refused() {
        let request = Request {
            payload: vec![0; MAX_TRANSFER_BYTES as usize + 1],
            ..Request::default()
        };
        assert!(matches!(
            request.encode(),
            Err(ReferenceError::PayloadTooLong { len_bytes: 4097, .. })
        ));
    }

    #[test]
    fn eight_bytes_are_a_hello_with_the_parent_in_the_high_half() {
        let packet = 0x0000_0007_0000_0009_u64.to_le_bytes();
        assert_eq!(
            Packet::decode(&packet),
            Some(Packet::Hello(ProcessIds {
                process: 9,
                parent: 7
            }))
        );
    }

    #[test]
    fn a_reply_whose_data_length_is_not_what_follows_is_no_reply() {
        let mut packet: Vec<u8> = [(-14_i64).cast_unsigned(), 5, 2].map(u64::to_le_bytes).concat();
        packet.extend(b"xy");
        let reply = Reply {
            result: -14,
            value: 5,
            data: b"xy".to_vec(),
        };
        assert_eq!(Packet::decode(&packet), Some(Packet::Reply(reply)));
        packet.push(b'z');
        assert_eq!(Packet::decode(&packet), None);
        assert_eq!(Packet::decode(&packet[..20]), None);
    }
}
