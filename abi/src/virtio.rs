//! Devices of virtio over MMIO, version 2, as the virtio specification has them ("Virtio Over MMIO").
//!
//! The kernel learns of each from its command line, as Linux does: `virtio_mmio.device=4K@0xd0400000:5`. They raise no interrupts;
//! [`crate::block`] and [`crate::vsock`] say how they do without.

use crate::{PAGE_SIZE, doorbell};

/// Bytes of a device's registers.
pub const LEN_BYTES: u64 = PAGE_SIZE;

/// Guest physical address of the registers of the device with a number: the first are right behind the doorbell.
pub(crate) const fn phys_base(device: u64) -> u64 {
    doorbell::PHYS_BASE + doorbell::LEN_BYTES + device * LEN_BYTES
}
