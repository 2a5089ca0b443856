//! The device under its drivers: `requests` keeps to the specification, `hostile` writes whatever it likes.

mod hostile;
mod requests;

use virtio_bindings::virtio_config::{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK};
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_QUEUE_AVAIL_LOW,
    VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_READY,
    VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_STATUS,
};
use virtio_bindings::virtio_ring::{VRING_DESC_F_INDIRECT, VRING_DESC_F_NEXT, VRING_DESC_F_WRITE};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::device::QUEUE_SIZE;
use super::{BlockDevice, Disk};

const FRAME_BYTES: u64 = abi::PAGE_SIZE;
const FRAMES: u64 = 16;
/// What the driver has at these frames.
const DESCRIPTORS: u64 = 0;
const AVAILABLE: u64 = FRAME_BYTES;
const USED: u64 = 2 * FRAME_BYTES;
const HEADER: u64 = 3 * FRAME_BYTES;
const STATUS: u64 = 4 * FRAME_BYTES;
const DATA: u64 = 5 * FRAME_BYTES;
/// A status that no device gives.
const NO_STATUS: u8 = 0xee;

const NEXT: u16 = VRING_DESC_F_NEXT as u16;
const WRITE: u16 = VRING_DESC_F_WRITE as u16;
const INDIRECT: u16 = VRING_DESC_F_INDIRECT as u16;

/// An entry of the descriptor table.
#[derive(Clone, Copy, Debug)]
struct Descriptor {
    address: u64,
    len_bytes: u32,
    flags: u16,
    next: u16,
}

/// A machine with a disk of one MiB, and what its driver has made available so far.
struct Driver {
    memory: GuestMemoryMmap,
    device: BlockDevice,
    available: u16,
}

impl Driver {
    /// A device that has been started as the specification says.
    fn started() -> Self {
        let mut driver = Self::powered_on();
        driver.start();
        driver
    }

    fn powered_on() -> Self {
        let len_bytes = usize::try_from(FRAMES * FRAME_BYTES).expect("small");
        Self {
            memory: GuestMemoryMmap::from_ranges(&[(GuestAddress(0), len_bytes)]).expect("there is memory"),
            device: BlockDevice::new(Disk::new(1), FRAMES),
            available: 0,
        }
    }

    fn start(&mut self) {
        self.set(VIRTIO_MMIO_STATUS, 0);
        self.set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
        self.set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
        self.set(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_FEATURES_OK);
        self.set(VIRTIO_MMIO_QUEUE_NUM, QUEUE_SIZE.into());
        for (register, address) in [
            (VIRTIO_MMIO_QUEUE_DESC_LOW, DESCRIPTORS),
            (VIRTIO_MMIO_QUEUE_AVAIL_LOW, AVAILABLE),
            (VIRTIO_MMIO_QUEUE_USED_LOW, USED),
        ] {
            self.set(register, u32::try_from(address).expect("low memory"));
        }
        self.set(VIRTIO_MMIO_QUEUE_READY, 1);
        self.set(
            VIRTIO_MMIO_STATUS,
            VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK,
        );
    }

    fn set(&mut self, register: u32, value: u32) {
        self.device.write(register, value, &self.memory);
    }

    /// Makes a request of header, data and status, and gives the status.
    fn request(&mut self, kind: u32, sector: u64, data_flags: u16) -> u8 {
        self.put(
            HEADER,
            &[&kind.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat(),
        );
        self.put(STATUS, &[NO_STATUS]);
        self.describe(&[
            (HEADER, 16, 0),
            (DATA, u32::try_from(FRAME_BYTES).expect("a page"), data_flags),
            (STATUS, 1, WRITE),
        ]);
        self.notify();
        self.get::<1>(STATUS)[0]
    }

    /// Writes a chain of buffers that starts at descriptor 0.
    fn describe(&mut self, chain: &[(u64, u32, u16)]) {
        for (index, (address, len_bytes, flags)) in (0u16..).zip(chain) {
            let is_last = usize::from(index) + 1 == chain.len();
            self.put_descriptor(
                DESCRIPTORS,
                index,
                Descriptor {
                    address: *address,
                    len_bytes: *len_bytes,
                    flags: flags | if is_last { 0 } else { NEXT },
                    next: index + 1,
                },
            );
        }
    }

    /// Makes descriptor 0 available.
    fn notify(&mut self) {
        self.put(
            AVAILABLE + 4 + 2 * u64::from(self.available % QUEUE_SIZE),
            &[0, 0],
        );
        self.available = self.available.wrapping_add(1);
        self.put(AVAILABLE + 2, &self.available.to_le_bytes());
        self.set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    }

    fn put_descriptor(&self, table: u64, index: u16, descriptor: Descriptor) {
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

    fn put(&self, address: u64, bytes: &[u8]) {
        self.memory
            .write_slice(bytes, GuestAddress(address))
            .expect("the test writes inside memory");
    }

    fn get<const LEN: usize>(&self, address: u64) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        self.memory
            .read_slice(&mut bytes, GuestAddress(address))
            .expect("the test reads inside memory");
        bytes
    }

    /// Requests that the device says to have dealt with.
    fn used(&self) -> u16 {
        u16::from_le_bytes(self.get(USED + 2))
    }

    fn frame(&self, number: u64) -> [u8; FRAME_BYTES as usize] {
        self.get(number * FRAME_BYTES)
    }
}

fn status(number: u32) -> u8 {
    u8::try_from(number).expect("a status is a byte")
}
