//! Messages as packets, as [`abi::doorbell::socket`] lays them out.

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::doorbell::socket::{HELLO_BYTES, REPLY_HEADER_BYTES, REQUEST_HEADER_BYTES};

use super::error::ReferenceError;
use crate::channel::{Hello, Operation, Reply};

/// Longest packet that an agent sends.
pub(super) const MAX_PACKET_BYTES: usize = REPLY_HEADER_BYTES + MAX_TRANSFER_BYTES as usize;

const WORD_BYTES: usize = size_of::<u64>();

/// A packet from an agent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Hello(Hello),
    Reply(Reply),
}

pub(super) fn encode(operation: &Operation) -> Result<Vec<u8>, ReferenceError> {
    let len_bytes = operation.payload.len();
    if len_bytes as u64 > MAX_TRANSFER_BYTES {
        return Err(ReferenceError::PayloadTooLong {
            len_bytes,
            max_bytes: MAX_TRANSFER_BYTES,
        });
    }
    let mut packet = Vec::with_capacity(REQUEST_HEADER_BYTES + len_bytes);
    packet.extend(operation.code.to_le_bytes());
    packet.extend(
        operation
            .arguments
            .iter()
            .flat_map(|argument| argument.to_le_bytes()),
    );
    packet.extend((len_bytes as u64).to_le_bytes());
    packet.extend(&operation.payload);
    Ok(packet)
}

/// Nothing if the packet is neither a hello nor a whole reply.
pub(super) fn decode(packet: &[u8]) -> Option<Packet> {
    if packet.len() == HELLO_BYTES {
        let ids = word(packet, 0)?;
        return Some(Packet::Hello(Hello {
            pid: ids as u32,
            parent: (ids >> 32) as u32,
        }));
    }
    let data = packet.get(REPLY_HEADER_BYTES..)?;
    if word(packet, 2)? != data.len() as u64 {
        return None;
    }
    Some(Packet::Reply(Reply {
        result: word(packet, 0)?.cast_signed(),
        value: word(packet, 1)?,
        data: data.to_vec(),
    }))
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
        let operation = Operation::new(7, &[0x1000, 3, 0, 0, 0, u64::MAX]).with_payload(b"abc".to_vec());
        let packet = encode(&operation).unwrap();
        assert_eq!(packet.len(), REQUEST_HEADER_BYTES + 3);
        let words: Vec<u64> = (0..8).map(|index| word(&packet, index).unwrap()).collect();
        assert_eq!(words, [7, 0x1000, 3, 0, 0, 0, u64::MAX, 3]);
        assert_eq!(&packet[REQUEST_HEADER_BYTES..], b"abc");
    }

    #[test]
    fn a_payload_longer_than_a_message_is_refused() {
        let operation = Operation::new(7, &[]).with_payload(vec![0; MAX_TRANSFER_BYTES as usize + 1]);
        assert!(matches!(
            encode(&operation),
            Err(ReferenceError::PayloadTooLong { len_bytes: 4097, .. })
        ));
    }

    #[test]
    fn eight_bytes_are_a_hello_with_the_parent_in_the_high_half() {
        let packet = 0x0000_0007_0000_0009_u64.to_le_bytes();
        assert_eq!(decode(&packet), Some(Packet::Hello(Hello { pid: 9, parent: 7 })));
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
        assert_eq!(decode(&packet), Some(Packet::Reply(reply)));
        packet.push(b'z');
        assert_eq!(decode(&packet), None);
        assert_eq!(decode(&packet[..20]), None);
    }
}
