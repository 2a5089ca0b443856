//! The block device: virtio over MMIO, version 2, as the virtio specification has it ("Virtio Over MMIO", "Block Device").
//!
//! The kernel learns of it from its command line, as Linux does: `virtio_mmio.device=4K@0xd0400000:5`. The device finishes a
//! request before the write to its notification register returns, so the kernel needs no interrupt.

use crate::PAGE_SIZE;
use crate::doorbell;

/// Guest physical address of the registers: right behind the doorbell.
pub const PHYS_BASE: u64 = doorbell::PHYS_BASE + doorbell::LEN_BYTES;
/// Bytes of the registers.
pub const LEN_BYTES: u64 = PAGE_SIZE;
/// Interrupt line that the command line names; it is never raised.
pub const INTERRUPT: u64 = 5;
