//! The conversation over the doorbell, in a guest.
//!
//! Every access here leaves the guest, which costs as much as thousands of instructions: nothing is read twice, and
//! nothing is written that the operation does not have.

use abi::PAGE_SIZE;
use abi::doorbell::{ARGUMENTS, DATA, HELLO, LEN_BYTES, NEXT, PAYLOAD, PHYS_BASE, RESULT, VALUE};
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDWR;
use guest_user::Span;
use guest_user::syscall::{Errno, file, process};

use super::Transport;

const REGISTER_BYTES: u64 = size_of::<u64>() as u64;

pub(crate) struct Doorbell {
    /// All channels: children use theirs through the mapping they inherit.
    channels: Span,
    registers: Span,
}

impl Doorbell {
    pub(crate) fn open(channel: u64) -> Self {
        let memory = file::open(c"/dev/mem", O_RDWR).unwrap_or_else(|errno| panic!("open /dev/mem: {errno}"));
        let channels = Span::map_file(memory, PHYS_BASE, LEN_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED)
            .unwrap_or_else(|errno| panic!("mmap the doorbell at {PHYS_BASE:#x}: {errno}"));
        // The mapping stays without the descriptor, and the programs of EXEC shall not inherit it.
        file::close(memory).unwrap_or_else(|errno| panic!("close /dev/mem: {errno}"));
        Self {
            channels,
            registers: channel_registers(channels, channel),
        }
    }
}

impl Transport for Doorbell {
    fn hello(&mut self, process_id: u32, parent_process_id: u32) {
        self.registers
            .store_u64(HELLO, u64::from(process_id) | u64::from(parent_process_id) << 32);
    }

    fn on(&self, channel: u64) -> Self {
        Self {
            channels: self.channels,
            registers: channel_registers(self.channels, channel),
        }
    }

    fn next(&mut self) -> u64 {
        self.registers.load_u64(NEXT)
    }

    fn argument(&mut self, index: usize) -> u64 {
        self.registers.load_u64(ARGUMENTS + index as u64 * REGISTER_BYTES)
    }

    fn payload(&mut self) -> u64 {
        self.registers.load_u64(PAYLOAD)
    }

    fn data(&mut self, bytes: &[u8]) {
        let mut word = [0; REGISTER_BYTES as usize];
        word[..bytes.len()].copy_from_slice(bytes);
        self.registers.store_u64(DATA, u64::from_le_bytes(word));
    }

    fn value(&mut self, value: u64) {
        self.registers.store_u64(VALUE, value);
    }

    fn complete(&mut self, result: i64) {
        self.registers.store_u64(RESULT, result as u64);
    }

    fn power_off(&mut self, command: u64) -> Errno {
        process::reboot(command)
    }
}

fn channel_registers(channels: Span, channel: u64) -> Span {
    channels.part(channel * PAGE_SIZE, PAGE_SIZE)
}
