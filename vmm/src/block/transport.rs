//! The registers of virtio over MMIO, and the queue behind them.

use virtio_bindings::virtio_blk::VIRTIO_BLK_F_SEG_MAX;
use virtio_bindings::virtio_config::{
    VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_F_VERSION_1,
};
use virtio_bindings::virtio_ids::VIRTIO_ID_BLOCK;
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_CONFIG, VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DEVICE_ID,
    VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_MAGIC_VALUE,
    VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH,
    VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NUM_MAX,
    VIRTIO_MMIO_QUEUE_READY, VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_QUEUE_USED_HIGH, VIRTIO_MMIO_QUEUE_USED_LOW,
    VIRTIO_MMIO_STATUS, VIRTIO_MMIO_VENDOR_ID, VIRTIO_MMIO_VERSION,
};
use virtio_queue::{Queue, QueueT};
use vm_memory::GuestMemoryMmap;

use super::disk::Disk;
use super::request;
use crate::address::{FrameNumber, PhysAddr};
use crate::inspect::FrameSet;

/// "virt", little endian.
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "RING": anything is allowed.
const VENDOR: u32 = abi::event::PRESENCE;
pub(super) const QUEUE_SIZE: u16 = 16;
const FEATURES: u64 = 1 << VIRTIO_F_VERSION_1 | 1 << VIRTIO_BLK_F_SEG_MAX;
/// Flags, index and event index of 16 bits, and an element of 8 bytes for each entry.
const USED_RING_BYTES: u64 = 6 + 8 * QUEUE_SIZE as u64;
/// Header and status take a descriptor each.
const MAX_SEGMENTS: u32 = QUEUE_SIZE as u32 - 2;
/// Fields of the configuration space: capacity in sectors (64 bits), largest segment, most segments.
const CONFIG_CAPACITY_LOW: u32 = VIRTIO_MMIO_CONFIG;
const CONFIG_CAPACITY_HIGH: u32 = VIRTIO_MMIO_CONFIG + 4;
const CONFIG_SEGMENTS_MAX: u32 = VIRTIO_MMIO_CONFIG + 12;

/// The device, as the driver sees it.
pub struct BlockDevice {
    disk: Disk,
    queue: Queue,
    status: u32,
    queue_select: u32,
    device_features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    /// Frames that the device has ever written to. KVM's dirty log knows nothing of them.
    written: FrameSet,
}

impl BlockDevice {
    /// A device in front of a disk, for a guest with so many frames of memory.
    #[must_use]
    pub fn new(disk: Disk, frames: u64) -> Self {
        Self {
            disk,
            queue: Queue::new(QUEUE_SIZE).expect("the size is a power of two"),
            status: 0,
            queue_select: 0,
            device_features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            written: FrameSet::new(frames),
        }
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
        &self.written
    }

    /// Offset of the register at a guest physical address.
    pub(crate) fn register(address: PhysAddr) -> Option<u32> {
        let offset = address.0.checked_sub(abi::block::PHYS_BASE)?;
        u32::try_from(offset)
            .ok()
            .filter(|offset| u64::from(*offset) < abi::block::LEN_BYTES)
    }

    /// What the register at `offset` holds; 0 where there is none.
    pub(crate) fn read(&self, offset: u32) -> u32 {
        let capacity = self.disk.sectors();
        match offset {
            VIRTIO_MMIO_MAGIC_VALUE => MAGIC,
            VIRTIO_MMIO_VERSION => VERSION,
            VIRTIO_MMIO_DEVICE_ID => VIRTIO_ID_BLOCK,
            VIRTIO_MMIO_VENDOR_ID => VENDOR,
            VIRTIO_MMIO_DEVICE_FEATURES => word(FEATURES, self.device_features_select),
            VIRTIO_MMIO_QUEUE_NUM_MAX if self.queue_select == 0 => QUEUE_SIZE.into(),
            VIRTIO_MMIO_QUEUE_READY if self.queue_select == 0 => self.queue.ready().into(),
            VIRTIO_MMIO_STATUS => self.status,
            CONFIG_CAPACITY_LOW => word(capacity, 0),
            CONFIG_CAPACITY_HIGH => word(capacity, 1),
            CONFIG_SEGMENTS_MAX => MAX_SEGMENTS,
            // Interrupt status and configuration generation never change.
            _ => 0,
        }
    }

    /// The driver writes the register at `offset`. A notification is served before this returns.
    pub(crate) fn write(&mut self, offset: u32, value: u32, memory: &GuestMemoryMmap) {
        match offset {
            VIRTIO_MMIO_DEVICE_FEATURES_SEL => self.device_features_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES_SEL => self.driver_features_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES => {
                set_word(&mut self.driver_features, self.driver_features_select, value);
            }
            VIRTIO_MMIO_STATUS => self.set_status(value),
            VIRTIO_MMIO_QUEUE_SEL => self.queue_select = value,
            VIRTIO_MMIO_QUEUE_NOTIFY if value == 0 => self.serve(memory),
            _ if self.queue_select == 0 => self.configure_queue(offset, value),
            _ => {}
        }
    }

    fn set_status(&mut self, status: u32) {
        if status == 0 {
            self.queue.reset();
            (self.status, self.driver_features) = (0, 0);
            return;
        }
        // What the device does not offer cannot be agreed on: the driver finds the bit clear.
        let agreed =
            self.driver_features & !FEATURES == 0 && self.driver_features >> VIRTIO_F_VERSION_1 & 1 == 1;
        self.status = if agreed {
            status
        } else {
            status & !VIRTIO_CONFIG_S_FEATURES_OK
        };
    }

    /// The queue belongs to the driver until it says that it is ready.
    fn configure_queue(&mut self, offset: u32, value: u32) {
        if offset == VIRTIO_MMIO_QUEUE_READY {
            self.queue.set_ready(value == 1);
        } else if !self.queue.ready() {
            match offset {
                // A size that is none leaves the one that there was, and the driver with it.
                VIRTIO_MMIO_QUEUE_NUM => self.queue.set_size(u16::try_from(value).unwrap_or(0)),
                VIRTIO_MMIO_QUEUE_DESC_LOW => self.queue.set_desc_table_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_DESC_HIGH => self.queue.set_desc_table_address(None, Some(value)),
                VIRTIO_MMIO_QUEUE_AVAIL_LOW => self.queue.set_avail_ring_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_AVAIL_HIGH => self.queue.set_avail_ring_address(None, Some(value)),
                VIRTIO_MMIO_QUEUE_USED_LOW => self.queue.set_used_ring_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_USED_HIGH => self.queue.set_used_ring_address(None, Some(value)),
                _ => {}
            }
        }
    }

    /// Serves what the driver has made available, at most as much as the queue can hold: a read that lands in the rings may
    /// make more of it. A queue that does not lie in guest memory breaks the device until it is reset.
    fn serve(&mut self, memory: &GuestMemoryMmap) {
        let needed = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
        if self.status & (needed | VIRTIO_CONFIG_S_NEEDS_RESET) != needed {
            return;
        }
        if !self.queue.is_valid(memory) {
            self.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
            return;
        }
        self.note_written(self.queue.used_ring(), USED_RING_BYTES);
        for _ in 0..self.queue.size() {
            let Some(chain) = self.queue.pop_descriptor_chain(memory) else {
                break;
            };
            let head = chain.head_index();
            for descriptor in chain.clone().writable() {
                self.note_written(descriptor.addr().0, u64::from(descriptor.len()));
            }
            let len_bytes = request::serve(chain, memory, &mut self.disk);
            if self.queue.add_used(memory, head, len_bytes).is_err() {
                self.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
                return;
            }
        }
    }

    fn note_written(&mut self, address: u64, len_bytes: u64) {
        let end = address.saturating_add(len_bytes);
        let frame = |address: u64| PhysAddr(address).frame();
        self.written
            .insert_range(frame(address)..FrameNumber(frame(end.saturating_sub(1)).0 + 1));
    }
}

/// The low (0) or high (1) half of a 64-bit register; there are no others.
fn word(value: u64, select: u32) -> u32 {
    match select {
        0 => value as u32,
        1 => (value >> 32) as u32,
        _ => 0,
    }
}

fn set_word(register: &mut u64, select: u32, value: u32) {
    let [low, high] = [word(*register, 0), word(*register, 1)];
    let [low, high] = match select {
        0 => [value, high],
        1 => [low, value],
        _ => [low, high],
    };
    *register = u64::from(high) << 32 | u64::from(low);
}
