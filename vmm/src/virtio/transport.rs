//! Registers and queues.

use virtio_bindings::virtio_config::{
    VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_NEEDS_RESET, VIRTIO_F_VERSION_1,
};
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_DEVICE_FEATURES, VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DEVICE_ID,
    VIRTIO_MMIO_DRIVER_FEATURES, VIRTIO_MMIO_DRIVER_FEATURES_SEL, VIRTIO_MMIO_INT_VRING,
    VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INTERRUPT_STATUS, VIRTIO_MMIO_MAGIC_VALUE,
    VIRTIO_MMIO_QUEUE_AVAIL_HIGH, VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH,
    VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_NUM_MAX,
    VIRTIO_MMIO_QUEUE_READY, VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_QUEUE_USED_HIGH, VIRTIO_MMIO_QUEUE_USED_LOW,
    VIRTIO_MMIO_STATUS, VIRTIO_MMIO_VENDOR_ID, VIRTIO_MMIO_VERSION,
};
use virtio_queue::{DescriptorChain, Queue, QueueT};
use vm_memory::GuestMemoryMmap;

use crate::address::{FrameNumber, PhysAddr};
use crate::inspect::FrameSet;
use crate::interrupt_line::InterruptLine;

/// "virt", little endian.
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "RING": anything is allowed.
const VENDOR: u32 = abi::event::PRESENCE;

/// What a write to a register asks of the device behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// Nothing.
    Done,
    /// The driver has put something into the queue with this number.
    Notified(usize),
    /// The driver starts anew: nothing that was agreed on counts any more.
    Reset,
}

/// The side of a device that its driver sees, but for the configuration space.
pub(crate) struct Transport<const QUEUES: usize> {
    device: u32,
    features: u64,
    queues: [Queue; QUEUES],
    status: u32,
    queue_select: u32,
    device_features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    /// Why the device has interrupted, until the driver acknowledges it.
    interrupt_status: u32,
    line: InterruptLine,
    /// Frames that the device has ever written to. KVM's dirty log knows nothing of them.
    written: FrameSet,
}

impl<const QUEUES: usize> Transport<QUEUES> {
    /// Of a device of this number in virtio's list, with features besides version 1, for a guest with so many frames.
    ///
    /// # Panics
    /// If the size of the queues is not a power of two.
    pub(crate) fn new(device: u32, features: u64, queue_size: u16, frames: u64) -> Self {
        Self {
            device,
            features: features | 1 << VIRTIO_F_VERSION_1,
            queues: std::array::from_fn(|_| Queue::new(queue_size).expect("the size is a power of two")),
            status: 0,
            queue_select: 0,
            device_features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            interrupt_status: 0,
            line: InterruptLine::default(),
            written: FrameSet::new(frames),
        }
    }

    /// From now on the device interrupts by this line when it gives a chain back.
    pub(crate) fn connect(&mut self, line: InterruptLine) {
        self.line = line;
    }

    /// Frames that the device has written to since the machine was made.
    pub(crate) fn written(&self) -> &FrameSet {
        &self.written
    }

    /// What the register at `offset` holds; 0 where there is none.
    pub(crate) fn read(&self, offset: u32) -> u32 {
        match offset {
            VIRTIO_MMIO_MAGIC_VALUE => MAGIC,
            VIRTIO_MMIO_VERSION => VERSION,
            VIRTIO_MMIO_DEVICE_ID => self.device,
            VIRTIO_MMIO_VENDOR_ID => VENDOR,
            VIRTIO_MMIO_DEVICE_FEATURES => word(self.features, self.device_features_select),
            VIRTIO_MMIO_QUEUE_NUM_MAX => self.selected().map_or(0, |queue| queue.max_size().into()),
            VIRTIO_MMIO_QUEUE_READY => self.selected().map_or(0, |queue| queue.ready().into()),
            VIRTIO_MMIO_INTERRUPT_STATUS => self.interrupt_status,
            VIRTIO_MMIO_STATUS => self.status,
            // The configuration never changes, and so its generation.
            _ => 0,
        }
    }

    /// The driver writes the register at `offset`.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Write {
        match offset {
            VIRTIO_MMIO_DEVICE_FEATURES_SEL => self.device_features_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES_SEL => self.driver_features_select = value,
            VIRTIO_MMIO_DRIVER_FEATURES => {
                set_word(&mut self.driver_features, self.driver_features_select, value);
            }
            VIRTIO_MMIO_INTERRUPT_ACK => self.interrupt_status &= !value,
            VIRTIO_MMIO_STATUS => return self.set_status(value),
            VIRTIO_MMIO_QUEUE_SEL => self.queue_select = value,
            VIRTIO_MMIO_QUEUE_NOTIFY => {
                return match usize::try_from(value) {
                    Ok(queue) if queue < QUEUES => Write::Notified(queue),
                    _ => Write::Done,
                };
            }
            _ => self.configure_queue(offset, value),
        }
        Write::Done
    }

    /// Whether a queue can be used now. One that does not lie in guest memory breaks the device until it is reset.
    pub(crate) fn is_usable(&mut self, queue: usize, memory: &GuestMemoryMmap) -> bool {
        let needed = VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
        if self.status & (needed | VIRTIO_CONFIG_S_NEEDS_RESET) != needed {
            return false;
        }
        if !self.queues[queue].is_valid(memory) {
            self.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
            return false;
        }
        // Flags, index and event index of 16 bits, and an element of 8 bytes for each entry.
        let used_ring_bytes = 6 + 8 * u64::from(self.queues[queue].size());
        self.note_written(self.queues[queue].used_ring(), used_ring_bytes);
        true
    }

    /// Has `serve` deal with what the driver has made available in a queue, at most as much as the queue can hold: a device that
    /// writes into the rings may make more of it. `serve` says how many bytes it has written to a chain.
    pub(crate) fn serve(
        &mut self,
        queue: usize,
        memory: &GuestMemoryMmap,
        mut serve: impl FnMut(DescriptorChain<&GuestMemoryMmap>) -> u32,
    ) {
        if !self.is_usable(queue, memory) {
            return;
        }
        for _ in 0..self.queue_size(queue) {
            let Some(chain) = self.next(queue, memory) else {
                break;
            };
            let head = chain.head_index();
            let len_bytes = serve(chain);
            if !self.give_back(queue, memory, head, len_bytes) {
                return;
            }
        }
    }

    /// Most chains that can wait in a queue.
    pub(crate) fn queue_size(&self, queue: usize) -> u16 {
        self.queues[queue].size()
    }

    /// The next chain that the driver has made available in a queue that is usable.
    pub(crate) fn next<'m>(
        &mut self,
        queue: usize,
        memory: &'m GuestMemoryMmap,
    ) -> Option<DescriptorChain<&'m GuestMemoryMmap>> {
        let chain = self.queues[queue].pop_descriptor_chain(memory)?;
        for descriptor in chain.clone().writable() {
            self.note_written(descriptor.addr().0, u64::from(descriptor.len()));
        }
        Some(chain)
    }

    /// Gives a chain back to the driver, and interrupts it. False when the rings do not allow that: the device is broken until it is reset.
    pub(crate) fn give_back(
        &mut self,
        queue: usize,
        memory: &GuestMemoryMmap,
        head: u16,
        len_bytes: u32,
    ) -> bool {
        let given = self.queues[queue].add_used(memory, head, len_bytes).is_ok();
        if given {
            self.interrupt_status |= VIRTIO_MMIO_INT_VRING;
            self.line.raise();
        } else {
            self.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
        }
        given
    }

    fn selected(&self) -> Option<&Queue> {
        self.queues.get(usize::try_from(self.queue_select).ok()?)
    }

    fn set_status(&mut self, status: u32) -> Write {
        if status == 0 {
            self.queues.iter_mut().for_each(Queue::reset);
            (self.status, self.driver_features, self.interrupt_status) = (0, 0, 0);
            return Write::Reset;
        }
        // What the device does not offer cannot be agreed on: the driver finds the bit clear.
        let agreed =
            self.driver_features & !self.features == 0 && self.driver_features >> VIRTIO_F_VERSION_1 & 1 == 1;
        self.status = if agreed {
            status
        } else {
            status & !VIRTIO_CONFIG_S_FEATURES_OK
        };
        Write::Done
    }

    /// A queue belongs to the driver until it says that it is ready.
    fn configure_queue(&mut self, offset: u32, value: u32) {
        let selected = usize::try_from(self.queue_select).ok();
        let Some(queue) = selected.and_then(|index| self.queues.get_mut(index)) else {
            return;
        };
        if offset == VIRTIO_MMIO_QUEUE_READY {
            queue.set_ready(value == 1);
        } else if !queue.ready() {
            match offset {
                // A size that is none leaves the one that there was, and the driver with it.
                VIRTIO_MMIO_QUEUE_NUM => queue.set_size(u16::try_from(value).unwrap_or(0)),
                VIRTIO_MMIO_QUEUE_DESC_LOW => queue.set_desc_table_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_DESC_HIGH => queue.set_desc_table_address(None, Some(value)),
                VIRTIO_MMIO_QUEUE_AVAIL_LOW => queue.set_avail_ring_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_AVAIL_HIGH => queue.set_avail_ring_address(None, Some(value)),
                VIRTIO_MMIO_QUEUE_USED_LOW => queue.set_used_ring_address(Some(value), None),
                VIRTIO_MMIO_QUEUE_USED_HIGH => queue.set_used_ring_address(None, Some(value)),
                _ => {}
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
pub(crate) fn word(value: u64, select: u32) -> u32 {
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
