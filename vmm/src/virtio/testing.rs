//! What tests of devices have in common: memory, and a driver's side of registers and rings.

use virtio_bindings::virtio_config::{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK};
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
    VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_READY, VIRTIO_MMIO_QUEUE_SEL,
    VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_STATUS,
};
use virtio_bindings::virtio_ring::{VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::Device;

pub(crate) const FRAME_BYTES: u64 = abi::PAGE_SIZE;

pub(crate) const NEXT: u16 = VRING_DESC_F_NEXT as u16;
pub(crate) const WRITE: u16 = VRING_DESC_F_WRITE as u16;
pub(crate) const INDIRECT: u16 = VRING_DESC_F_INDIRECT as u16;

/// An entry of a descriptor table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    pub(crate) address: u64,
    pub(crate) len_bytes: u32,
    pub(crate) flags: u16,
    pub(crate) next: u16,
}

/// Where a queue lies: descriptors, available ring, used ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rings(pub(crate) [u64; 3]);

/// A machine with a device, and what its driver does.
pub(crate) struct Bench<D> {
    pub(crate) memory: GuestMemoryMmap,
    pub(crate) device: D,
}

impl<D: Device> Bench<D> {
    pub(crate) fn new(device: D, frames: u64) -> Self {
        let len_bytes = usize::try_from(frames * FRAME_BYTES).expect("small");
        Self {
            memory: GuestMemoryMmap::from_ranges(&[(GuestAddress(0), len_bytes)]).expect("there is memory"),
            device,
        }
    }

    /// Starts the device as the specification says, with queues of that size.
    pub(crate) fn start(&mut self, queues: &[Rings], queue_size: u16) {
        self.set(VIRTIO_MMIO_STATUS, 0);
        self.set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
        self.set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
        self.set(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK);
        for (number, Rings([descriptors, available, used])) in (0..).zip(queues) {
            self.set(VIRTIO_MMIO_QUEUE_SEL, number);
            self.set(VIRTIO_MMIO_QUEUE_NUM, queue_size.into());
            for (register, address) in [
                (VIRTIO_MMIO_QUEUE_DESC_LOW, descriptors),
                (VIRTIO_MMIO_QUEUE_AVAIL_LOW, available),
                (VIRTIO_MMIO_QUEUE_USED_LOW, used),
            ] {
                self.set(register, u32::try_from(*address).expect("low memory"));
            }
            self.set(VIRTIO_MMIO_QUEUE_READY, 1);
        }
        self.set(
            VIRTIO_MMIO_STATUS,
            VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
        );
    }

    pub(crate) fn set(&mut self, register: u32, value: u32) {
        self.device.write(register, value, &self.memory);
    }

    pub(crate) fn put_descriptor(&self, table: u64, index: u16, descriptor: Descriptor) {
        let Descriptor {
            address,
            len_bytes,
            flags,
            next,
        } = descriptor;
        let low = [&address.to_le_bytes()[..], &len_bytes.to_le_bytes()].concat();
        let high = [flags.to_le_bytes(), next.to_le_bytes()].concat();
        self.put(table + 16 * u64::from(index), &[low, high].concat());
    }

    pub(crate) fn put(&self, address: u64, bytes: &[u8]) {
        self.memory
            .write_slice(bytes, GuestAddress(address))
            .expect("the test writes inside memory");
    }

    pub(crate) fn get<const LEN: usize>(&self, address: u64) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        self.memory
            .read_slice(&mut bytes, GuestAddress(address))
            .expect("the test reads inside memory");
        bytes
    }
}
