//! The block device, as the virtio specification has it ("Block Device").
//!
//! The device finishes a request before the write to its notification register returns, so the kernel needs no interrupt. Where the machine has
//! interrupt controllers the device interrupts all the same, for drivers that wait.

use crate::virtio;

/// Guest physical address of the registers.
pub const PHYS_BASE: u64 = virtio::phys_base(0);
/// The device's interrupt line, as the command line names it.
pub const INTERRUPT: u32 = 5;
