//! What devices of virtio have in common: the registers of virtio over MMIO (version 2), and the queues behind them.
//!
//! **Invariant:** the guest writes every byte of registers, rings and descriptors. Whatever they hold, a chain is a chain of
//! memory that exists, or there is none; and each frame that a device could have written to is noted.

mod transport;

pub(crate) use transport::{Transport, Write, register, word};

/// Word for the kernel command line that tells where a device is, as Linux has it.
pub(crate) fn command_line_word(base: u64, interrupt: u64) -> String {
    format!(
        "{}={}K@{base:#x}:{interrupt}",
        abi::boot::CMDLINE_VIRTIO_MMIO,
        abi::virtio::LEN_BYTES >> 10,
    )
}
