//! The block device, as the virtio specification has it ("Block Device").
//!
//! The device finishes a request before the write to its notification register returns, so the kernel needs no interrupt.

use crate::virtio;

/// Guest physical address of the registers.
pub const PHYS_BASE: u64 = virtio::phys_base(0);
/// Interrupt line that the command line names; it is never raised.
pub const INTERRUPT: u64 = 5;
