//! The disk that a guest swaps to: a virtio block device, in memory of the VMM.
//!
//! - [`device`]: the registers and the one queue behind them, on what [`crate::virtio`] has for all devices
//! - [`request`]: a descriptor chain of the guest becomes a read or a write, or an error status
//! - [`disk`]: the blocks, which of them hold what, and the failures that a scenario asks for
//!
//! A request is done when the write to the notification register returns. A machine with interrupt controllers is interrupted besides.
//!
//! **Invariant:** the guest writes every byte of registers, rings, descriptors and headers. Whatever they hold, a request is
//! served, refused with a status, or dropped; work is bounded for each notification, memory by the disk's size.

mod device;
mod disk;
mod request;
#[cfg(test)]
mod tests;

use crate::virtio;

pub use device::BlockDevice;
pub use disk::{Disk, Failure};

/// Word for the kernel command line that tells where the device is.
#[must_use]
pub fn command_line_word() -> String {
    virtio::command_line_word(abi::block::PHYS_BASE, abi::block::INTERRUPT)
}
