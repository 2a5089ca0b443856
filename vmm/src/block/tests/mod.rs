//! The device under its drivers: `requests` keeps to the specification, `hostile` writes whatever it likes.

mod hostile;
mod requests;

use std::ops::{Deref, DerefMut};

use virtio_bindings::virtio_mmio::VIRTIO_MMIO_QUEUE_NOTIFY;

use super::device::QUEUE_SIZE;
use super::{BlockDevice, Disk};
use crate::virtio::testing::{Bench, Descriptor, FRAME_BYTES, INDIRECT, NEXT, Rings, WRITE};

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

/// A machine with a disk of one MiB, and what its driver has made available so far.
struct Driver {
    bench: Bench<BlockDevice>,
    available: u16,
}

impl Deref for Driver {
    type Target = Bench<BlockDevice>;

    fn deref(&self) -> &Self::Target {
        &self.bench
    }
}

impl DerefMut for Driver {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.bench
    }
}

impl Driver {
    /// A device that has been started as the specification says.
    fn started() -> Self {
        let mut driver = Self::powered_on();
        driver.start();
        driver
    }

    fn powered_on() -> Self {
        Self {
            bench: Bench::new(BlockDevice::new(Disk::new(1), FRAMES), FRAMES),
            available: 0,
        }
    }

    fn start(&mut self) {
        self.bench
            .start(&[Rings([DESCRIPTORS, AVAILABLE, USED])], QUEUE_SIZE);
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
