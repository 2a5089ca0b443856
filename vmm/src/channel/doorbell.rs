//! The doorbell: see [`abi::doorbell`] for the registers and the conversation.
//!
//! A channel keeps the operation that its agent is working on and the reply as far as it has come. The agent's reading of
//! `NEXT` is the one access that stops the machine; all others are answered here.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use abi::doorbell::{
    ARGUMENT_COUNT, ARGUMENTS, CHANNELS, DATA, HELLO, LEN_BYTES, MAX_TRANSFER_BYTES, NEXT, PAYLOAD,
    PHYS_BASE, RESULT, VALUE,
};

use crate::address::PhysAddr;

/// One agent's line to the VMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(u16);

impl Channel {
    /// The channel of the first agent.
    pub const FIRST: Channel = Channel(0);

    /// Channel `number`, if there is such a one.
    #[must_use]
    pub fn new(number: u64) -> Option<Channel> {
        u16::try_from(number)
            .ok()
            .filter(|number| u64::from(*number) < CHANNELS)
            .map(Channel)
    }

    /// Its number, as the fork operation names it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.into()
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

/// Guest physical addresses of the doorbell, the one device that users may map.
#[must_use]
pub(crate) fn doorbell_addresses() -> Range<PhysAddr> {
    PhysAddr(PHYS_BASE)..PhysAddr(PHYS_BASE + LEN_BYTES)
}

/// Which way an access goes, seen from the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// What an access is to the conversation on its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// It asks for the next operation, or introduces a program: what was before is over.
    Begins,
    /// It belongs to an operation that has begun.
    GoesOn,
}

/// What an agent is asked to do: see [`abi::operation`] for codes and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// One of the codes of [`abi::operation`].
    pub code: u64,
    /// Its arguments; unused ones are 0.
    pub arguments: [u64; ARGUMENT_COUNT],
    /// Bytes that go with it, at most [`MAX_TRANSFER_BYTES`].
    pub payload: Vec<u8>,
}

impl Operation {
    /// An operation without payload.
    #[must_use]
    pub fn new(code: u64, arguments: &[u64]) -> Operation {
        let mut registers = [0; ARGUMENT_COUNT];
        registers[..arguments.len()].copy_from_slice(arguments);
        Operation {
            code,
            arguments: registers,
            payload: Vec::new(),
        }
    }

    /// The same with a payload.
    #[must_use]
    pub fn with_payload(self, payload: Vec<u8>) -> Operation {
        Operation { payload, ..self }
    }
}

/// What an agent says came of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Return value, `-errno` on failure.
    pub result: i64,
    /// The second value of operations that have one.
    pub value: u64,
    /// Bytes that came back, in multiples of eight, cut at [`MAX_TRANSFER_BYTES`].
    pub data: Vec<u8>,
}

/// What an agent says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Its process id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
}

/// Channels that have been used.
#[derive(Default)]
pub struct Doorbell {
    lines: BTreeMap<Channel, Line>,
}

#[derive(Default)]
struct Line {
    hello: Option<Hello>,
    /// The hello has not been taken note of.
    hello_is_new: bool,
    operation: Option<Operation>,
    payload_taken: usize,
    reply: Reply,
    finished: Option<Reply>,
}

impl Doorbell {
    /// Gives the agent on `channel` its next operation; it finds it when the machine runs on. Without one it is told to
    /// yield and to ask again.
    pub fn give(&mut self, channel: Channel, operation: Operation) {
        let line = self.lines.entry(channel).or_default();
        *line = Line {
            hello: line.hello,
            operation: Some(operation),
            ..Line::default()
        };
    }

    /// What came of the last operation on `channel`, once.
    pub fn take_reply(&mut self, channel: Channel) -> Option<Reply> {
        self.lines.get_mut(&channel)?.finished.take()
    }

    /// Whether the reply to the last operation on `channel` is there.
    #[must_use]
    pub fn has_answered(&self, channel: Channel) -> bool {
        self.lines
            .get(&channel)
            .is_some_and(|line| line.finished.is_some())
    }

    /// Whether the agent on `channel` has nothing to do but to ask.
    #[must_use]
    pub fn is_idle(&self, channel: Channel) -> bool {
        self.lines
            .get(&channel)
            .is_none_or(|line| line.operation.is_none())
    }

    /// Whether a program has introduced itself on `channel`, once for each time that one did.
    pub fn take_introduction(&mut self, channel: Channel) -> bool {
        self.lines
            .get_mut(&channel)
            .is_some_and(|line| std::mem::take(&mut line.hello_is_new))
    }

    /// Who says to be on `channel`.
    #[must_use]
    pub fn hello(&self, channel: Channel) -> Option<Hello> {
        self.lines.get(&channel)?.hello
    }

    /// Forgets everything about `channel`, so that another agent may use it.
    pub fn hang_up(&mut self, channel: Channel) {
        self.lines.remove(&channel);
    }

    /// Channel and register offset behind a guest physical address.
    pub(super) fn register(address: PhysAddr) -> Option<(Channel, u64)> {
        let offset = address
            .0
            .checked_sub(PHYS_BASE)
            .filter(|offset| *offset < LEN_BYTES)?;
        Some((Channel::new(offset / abi::PAGE_SIZE)?, offset % abi::PAGE_SIZE))
    }

    /// Channel of an access, and what it is to the conversation there; None for an access to something else.
    pub(crate) fn call(address: PhysAddr, direction: Direction) -> Option<(Channel, Call)> {
        let (channel, register) = Doorbell::register(address)?;
        let call = match (direction, register) {
            (Direction::Read, NEXT) | (Direction::Write, HELLO) => Call::Begins,
            _ => Call::GoesOn,
        };
        Some((channel, call))
    }

    /// Code with which a waiting agent's reading of `NEXT` is answered.
    pub(crate) fn next_code(&self, channel: Channel) -> u64 {
        let operation = self.lines.get(&channel).and_then(|line| line.operation.as_ref());
        operation.map_or(abi::operation::YIELD, |operation| operation.code)
    }

    pub(super) fn read(&mut self, channel: Channel, register: u64) -> u64 {
        let Some(line) = self.lines.get_mut(&channel) else {
            return 0;
        };
        let Some(operation) = &line.operation else {
            return 0;
        };
        if register == PAYLOAD {
            let rest = &operation.payload[line.payload_taken.min(operation.payload.len())..];
            line.payload_taken += size_of::<u64>();
            return word(rest);
        }
        let argument = register.checked_sub(ARGUMENTS).map(|offset| offset / 8);
        argument
            .and_then(|index| operation.arguments.get(usize::try_from(index).ok()?))
            .copied()
            .unwrap_or(0)
    }

    pub(super) fn write(&mut self, channel: Channel, register: u64, value: u64) {
        let line = self.lines.entry(channel).or_default();
        match register {
            HELLO => {
                let [low, high] = [value as u32, (value >> 32) as u32];
                // Who says hello begins anew: what its predecessor was asked to do is over.
                *line = Line {
                    hello: Some(Hello {
                        pid: low,
                        parent: high,
                    }),
                    hello_is_new: true,
                    ..Line::default()
                };
            }
            VALUE => line.reply.value = value,
            DATA if (line.reply.data.len() as u64) < MAX_TRANSFER_BYTES => {
                line.reply.data.extend_from_slice(&value.to_le_bytes());
            }
            RESULT => {
                let reply = std::mem::take(&mut line.reply);
                // A result nobody asked for is not kept: only a reply to an operation can be one.
                if line.operation.take().is_some() {
                    line.finished = Some(Reply {
                        result: value.cast_signed(),
                        ..reply
                    });
                }
            }
            _ => {}
        }
    }
}

/// The first eight bytes, little endian, filled up with zeros.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; size_of::<u64>()];
    let taken = bytes.len().min(word.len());
    word[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_read_register_by_register_and_its_reply_comes_back_once() {
        let mut doorbell = Doorbell::default();
        let channel = Channel::FIRST;
        assert_eq!(doorbell.next_code(channel), abi::operation::YIELD);
        doorbell.give(
            channel,
            Operation::new(abi::operation::WRITE, &[0x1000, 9]).with_payload(b"ninebytes".to_vec()),
        );
        assert_eq!(doorbell.next_code(channel), abi::operation::WRITE);
        assert_eq!(doorbell.read(channel, ARGUMENTS), 0x1000);
        assert_eq!(doorbell.read(channel, ARGUMENTS + 8), 9);
        assert_eq!(doorbell.read(channel, PAYLOAD), u64::from_le_bytes(*b"ninebyte"));
        assert_eq!(doorbell.read(channel, PAYLOAD), u64::from(b's'));
        assert_eq!(doorbell.read(channel, PAYLOAD), 0);
        doorbell.write(channel, VALUE, 7);
        doorbell.write(channel, RESULT, 9);
        assert_eq!(
            doorbell.take_reply(channel),
            Some(Reply {
                result: 9,
                value: 7,
                data: vec![]
            })
        );
        assert_eq!(doorbell.take_reply(channel), None);
    }

    #[test]
    fn a_result_that_nobody_asked_for_is_no_reply() {
        let mut doorbell = Doorbell::default();
        doorbell.write(Channel::FIRST, RESULT, 1);
        assert_eq!(doorbell.take_reply(Channel::FIRST), None);
    }

    #[test]
    fn a_program_that_introduces_itself_has_nothing_of_its_predecessors_left_to_do() {
        let mut doorbell = Doorbell::default();
        let channel = Channel::FIRST;
        doorbell.write(channel, HELLO, 2 << 32 | 3);
        assert!(doorbell.take_introduction(channel));
        doorbell.give(channel, Operation::new(abi::operation::EXECVE, &[]));
        assert!(!doorbell.is_idle(channel) && !doorbell.take_introduction(channel));
        doorbell.write(channel, HELLO, 2 << 32 | 3);
        assert!(doorbell.is_idle(channel) && doorbell.take_introduction(channel));
        assert_eq!(doorbell.next_code(channel), abi::operation::YIELD);
        assert_eq!(doorbell.take_reply(channel), None);
        assert_eq!(doorbell.hello(channel), Some(Hello { pid: 3, parent: 2 }));
    }

    #[test]
    fn data_beyond_the_limit_is_not_kept() {
        let mut doorbell = Doorbell::default();
        doorbell.give(Channel::FIRST, Operation::new(abi::operation::READ, &[]));
        for _ in 0..MAX_TRANSFER_BYTES {
            doorbell.write(Channel::FIRST, DATA, u64::MAX);
        }
        doorbell.write(Channel::FIRST, RESULT, 0);
        let reply = doorbell.take_reply(Channel::FIRST).unwrap();
        assert_eq!(reply.data.len() as u64, MAX_TRANSFER_BYTES);
    }

    #[test]
    fn addresses_outside_the_range_are_no_registers() {
        assert_eq!(Doorbell::register(PhysAddr(PHYS_BASE - 8)), None);
        assert_eq!(Doorbell::register(PhysAddr(PHYS_BASE + LEN_BYTES)), None);
        let last = PhysAddr(PHYS_BASE + LEN_BYTES - 8);
        assert_eq!(
            Doorbell::register(last),
            Some((Channel::new(CHANNELS - 1).unwrap(), abi::PAGE_SIZE - 8))
        );
    }
}
