//! What devices of virtio have in common: the registers of virtio over MMIO (version 2), and the queues behind them.
//!
//! **Invariant:** the guest writes every byte of registers, rings and descriptors. Whatever they hold, a chain is a chain of
//! memory that exists, or there is none; and each frame that a device could have written to is noted.

#[cfg(test)]
pub(crate) mod testing;
mod transport;

use vm_memory::GuestMemoryMmap;

pub(crate) use transport::{Transport, Write, word};

/// A device, as the bus sees it.
pub(crate) trait Device {
    /// What the register at `offset` holds; 0 where there is none.
    fn read(&self, offset: u32) -> u32;

    /// The driver writes the register at `offset`.
    fn write(&mut self, offset: u32, value: u32, memory: &GuestMemoryMmap);
}

/// Word for the kernel command line that tells where a device is, as Linux has it.
pub(crate) fn command_line_word(base: u64, interrupt: u32) -> String {
    format!(
        "{}={}K@{base:#x}:{interrupt}",
        abi::boot::CMDLINE_VIRTIO_MMIO,
        abi::virtio::LEN_BYTES >> 10,
    )
}
