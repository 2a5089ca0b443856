//! Agents on this Linux, with a call for each thing that tests have them do.

use std::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_ANONYMOUS, PROT_READ, PROT_WRITE};
use abi::operation::{EXEC, FORK, MMAP, READ, WRITE};
use vmm::channel::{Channel, Hello, Operation, Reply};
use vmm::linux_reference::{LinuxAgent, Received};

use crate::image::program;

/// Longer than a busy machine can delay anything.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(3600);

/// A [`LinuxAgent`] whose processes answer.
pub(crate) struct Agents {
    pub(crate) linux: LinuxAgent,
}

impl Agents {
    pub(crate) fn spawn() -> Self {
        Self {
            linux: LinuxAgent::spawn(&program("agent")).unwrap(),
        }
    }

    pub(crate) fn ids(&self, channel: u64) -> Hello {
        self.linux.process(Channel::new(channel).unwrap()).unwrap()
    }

    pub(crate) fn send(&mut self, channel: u64, code: u64, arguments: &[u64]) {
        self.send_with(channel, code, arguments, &[]);
    }

    pub(crate) fn send_with(&mut self, channel: u64, code: u64, arguments: &[u64], payload: &[u8]) {
        let operation = Operation::new(code, arguments).with_payload(payload.to_vec());
        self.linux
            .send(Channel::new(channel).unwrap(), &operation)
            .unwrap();
    }

    pub(crate) fn receive(&mut self, channel: u64) -> Received {
        self.linux
            .receive(Channel::new(channel).unwrap(), TIMEOUT)
            .unwrap()
    }

    pub(crate) fn reply(&mut self, channel: u64) -> Reply {
        match self.receive(channel) {
            Received::Reply(reply) => reply,
            other @ (Received::Hello(_) | Received::Died | Received::TimedOut) => {
                panic!("channel {channel}: expected a reply, found {other:?}")
            }
        }
    }

    pub(crate) fn call(&mut self, channel: u64, code: u64, arguments: &[u64]) -> Reply {
        self.send(channel, code, arguments);
        self.reply(channel)
    }

    pub(crate) fn result(&mut self, channel: u64, code: u64, arguments: &[u64]) -> i64 {
        self.call(channel, code, arguments).result
    }

    pub(crate) fn map(&mut self, channel: u64, sharing: u64) -> u64 {
        let arguments = [0, PAGE_SIZE, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS];
        u64::try_from(self.result(channel, MMAP, &arguments)).unwrap()
    }

    pub(crate) fn write(&mut self, channel: u64, address: u64, bytes: &[u8]) -> i64 {
        self.send_with(channel, WRITE, &[address, bytes.len() as u64], bytes);
        self.reply(channel).result
    }

    pub(crate) fn read(&mut self, channel: u64, address: u64, len_bytes: u64) -> Vec<u8> {
        let reply = self.call(channel, READ, &[address, len_bytes]);
        assert_eq!(reply.result, len_bytes as i64);
        reply.data
    }

    pub(crate) fn fork(&mut self, channel: u64, childs_channel: u64) -> u32 {
        let child = self.result(channel, FORK, &[childs_channel]);
        match self.receive(childs_channel) {
            Received::Hello(ids) => assert_eq!(i64::from(ids.pid), child),
            other @ (Received::Reply(_) | Received::Died | Received::TimedOut) => {
                panic!("channel {childs_channel}: expected a hello, found {other:?}")
            }
        }
        u32::try_from(child).unwrap()
    }

    pub(crate) fn exec(&mut self, channel: u64, strings: &[&str]) -> Reply {
        let payload: Vec<u8> = strings
            .iter()
            .flat_map(|string| string.bytes().chain([0]))
            .collect();
        self.send_with(
            channel,
            EXEC,
            &[payload.len() as u64, strings.len() as u64],
            &payload,
        );
        self.reply(channel)
    }
}
