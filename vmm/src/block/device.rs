//! The device, as its driver sees it.

use virtio_bindings::virtio_blk::VIRTIO_BLK_F_SEG_MAX;
use virtio_bindings::virtio_ids::VIRTIO_ID_BLOCK;
use virtio_bindings::virtio_mmio::VIRTIO_MMIO_CONFIG;
use vm_memory::GuestMemoryMmap;

use super::disk::Disk;
use super::request;
use crate::inspect::FrameSet;
use crate::interrupt_line::InterruptLine;
use crate::virtio::{self, Transport, Write, word};

pub(super) const QUEUE_SIZE: u16 = 16;
const REQUESTS: usize = 0;
/// Header and status take a descriptor each.
const MAX_SEGMENTS: u32 = QUEUE_SIZE as u32 - 2;
/// Fields of the configuration space: capacity in sectors (64 bits), largest segment, most segments.
const CONFIG_CAPACITY_LOW: u32 = VIRTIO_MMIO_CONFIG;
const CONFIG_CAPACITY_HIGH: u32 = VIRTIO_MMIO_CONFIG + 4;
const CONFIG_SEGMENTS_MAX: u32 = VIRTIO_MMIO_CONFIG + 12;

/// A disk behind registers and a queue.
pub struct BlockDevice {
    disk: Disk,
    transport: Transport<1>,
}

impl BlockDevice {
    /// A device in front of a disk, for a guest with so many frames of memory.
    #[must_use]
    pub fn new(disk: Disk, frames: u64) -> Self {
        Self {
            disk,
            transport: Transport::new(VIRTIO_ID_BLOCK, 1 << VIRTIO_BLK_F_SEG_MAX, QUEUE_SIZE, frames),
        }
    }

    /// From now on the device interrupts by this line.
    pub(crate) fn connect(&mut self, line: InterruptLine) {
        self.transport.connect(line);
    }

    /// What is on the disk.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The disk, to have it fail.
    pub fn disk_mut(&mut self) -> &mut Disk {
        &mut self.disk
    }

    /// Frames that the device itself has written to since the machine was made.
    #[must_use]
    pub fn written(&self) -> &FrameSet {
        self.transport.written()
    }
}

impl virtio::Device for BlockDevice {
    fn read(&self, offset: u32) -> u32 {
        let capacity = self.disk.sectors();
        match offset {
            CONFIG_CAPACITY_LOW => word(capacity, 0),
            CONFIG_CAPACITY_HIGH => word(capacity, 1),
            CONFIG_SEGMENTS_MAX => MAX_SEGMENTS,
            _ => self.transport.read(offset),
        }
    }

    /// A notification is served before this returns.
    fn write(&mut self, offset: u32, value: u32, memory: &GuestMemoryMmap) {
        match self.transport.write(offset, value) {
            Write::Notified(queue) => {
                debug_assert_eq!(queue, REQUESTS, "there is one queue");
                let disk = &mut self.disk;
                self.transport
                    .serve(queue, memory, |chain| request::serve(chain, memory, disk));
            }
            Write::Done | Write::Reset => {}
        }
    }
}
