//! Rings, descriptors and registers that no driver should write: the device lives, ends, and says what it wrote.

use proptest::prelude::*;
use virtio_bindings::virtio_blk::{VIRTIO_BLK_S_OK, VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT};
use virtio_bindings::virtio_config::VIRTIO_CONFIG_S_NEEDS_RESET;
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_QUEUE_NUM, VIRTIO_MMIO_QUEUE_READY, VIRTIO_MMIO_QUEUE_USED_LOW,
    VIRTIO_MMIO_STATUS,
};

use super::{
    AVAILABLE, DATA, DESCRIPTORS, Descriptor, Driver, FRAME_BYTES, FRAMES, HEADER, INDIRECT, NEXT, NO_STATUS,
    QUEUE_SIZE, STATUS, WRITE, status,
};
use crate::address::FrameNumber;
use crate::virtio::Device;

#[test]
fn rings_outside_memory_break_the_device_until_it_is_reset() {
    let mut driver = Driver::started();
    driver.set(VIRTIO_MMIO_QUEUE_READY, 0);
    driver.set(VIRTIO_MMIO_QUEUE_USED_LOW, 0xffff_f000);
    driver.set(VIRTIO_MMIO_QUEUE_READY, 1);
    assert_eq!(driver.request(VIRTIO_BLK_T_OUT, 0, 0), NO_STATUS);
    assert!(driver.device.read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET != 0);
    driver.available = 0;
    driver.start();
    assert_eq!(driver.request(VIRTIO_BLK_T_OUT, 0, 0), status(VIRTIO_BLK_S_OK));
}

/// Each block that is read makes one more request available, which reads the next block.
#[test]
fn requests_that_make_more_requests_available_end_with_the_queue() {
    let mut driver = Driver::started();
    let header = |sector: u64| [&VIRTIO_BLK_T_IN.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat();
    for number in 0..u16::from(u8::MAX) {
        let mut sectors = [0; 1024];
        sectors[..16].copy_from_slice(&header(2 * (u64::from(number) + 1)));
        sectors[512 + 2..512 + 4].copy_from_slice(&(number + 2).to_le_bytes());
        let disk = driver.device.disk_mut();
        disk.write(2 * u64::from(number), &sectors)
            .expect("the disk is larger");
    }
    driver.put(HEADER, &header(0));
    driver.describe(&[
        (HEADER, 16, 0),
        (HEADER, 512, WRITE),
        (AVAILABLE, 512, WRITE),
        (STATUS, 1, WRITE),
    ]);
    driver.notify();
    assert_eq!(driver.used(), QUEUE_SIZE);
}

#[test]
fn a_chain_longer_than_the_queue_is_dropped_even_in_an_indirect_table() {
    let mut driver = Driver::started();
    driver.put(HEADER, &[&VIRTIO_BLK_T_IN.to_le_bytes()[..], &[0; 12]].concat());
    driver.put(STATUS, &[NO_STATUS]);
    let chain_len = QUEUE_SIZE + 1;
    for index in 0..chain_len {
        let (address, len_bytes, flags) = match index {
            0 => (HEADER, 16, NEXT),
            _ if index + 1 == chain_len => (STATUS, 1, WRITE),
            _ => (DATA, 512, NEXT | WRITE),
        };
        let next = index + 1;
        let descriptor = Descriptor {
            address,
            len_bytes,
            flags,
            next,
        };
        driver.put_descriptor(DATA + FRAME_BYTES, index, descriptor);
    }
    driver.put_descriptor(
        DESCRIPTORS,
        0,
        Descriptor {
            address: DATA + FRAME_BYTES,
            len_bytes: 16 * u32::from(chain_len),
            flags: INDIRECT,
            next: 0,
        },
    );
    driver.notify();
    assert_eq!(driver.get::<1>(STATUS)[0], NO_STATUS);
    assert_eq!(driver.used(), 1);
}

/// Addresses in memory, at its end, and far outside.
fn address() -> impl Strategy<Value = u64> {
    let end = FRAMES * FRAME_BYTES;
    prop_oneof![
        8 => 0..end,
        1 => Just(end - 1),
        1 => end..,
        1 => Just(u64::MAX),
    ]
}

fn descriptor() -> impl Strategy<Value = Descriptor> {
    let len_bytes = prop_oneof![
        4 => Just(512u32),
        2 => 0u32..20,
        2 => Just(4096),
        1 => any::<u32>(),
    ];
    let flags = prop_oneof![
        3 => Just(NEXT),
        3 => Just(NEXT | WRITE),
        2 => Just(WRITE),
        1 => 0u16..8,
    ];
    (address(), len_bytes, flags, 0..QUEUE_SIZE + 2).prop_map(|(address, len_bytes, flags, next)| {
        Descriptor {
            address,
            len_bytes,
            flags,
            next,
        }
    })
}

/// What the driver writes to a register: mostly what some driver would write.
fn register_write() -> impl Strategy<Value = (u32, u32)> {
    let register = prop_oneof![
        3 => Just(VIRTIO_MMIO_QUEUE_NOTIFY),
        1 => Just(VIRTIO_MMIO_QUEUE_NUM),
        1 => Just(VIRTIO_MMIO_QUEUE_READY),
        1 => (0..0x400u32).prop_map(|index| index * 4),
    ];
    let value = prop_oneof![3 => Just(0), 1 => Just(1), 1 => 0u32..32, 1 => any::<u32>()];
    (register, value)
}

proptest! {
    /// The dirty log of the machine is KVM's and the device's together, so what the device does not own up to is missed.
    #[test]
    fn whatever_the_driver_writes_the_device_lives_and_owns_up_to_each_frame_that_it_changes(
        descriptors in prop::collection::vec(descriptor(), QUEUE_SIZE as usize),
        heads in prop::collection::vec(0..QUEUE_SIZE + 2, QUEUE_SIZE as usize),
        available in prop_oneof![3 => 1..=QUEUE_SIZE, 1 => any::<u16>()],
        headers in prop::collection::vec((0u32..10, prop_oneof![3 => 0u64..16, 1 => any::<u64>()]), 1..4),
        writes in prop::collection::vec(register_write(), 0..12),
    ) {
        let mut driver = Driver::started();
        for (index, descriptor) in (0..).zip(&descriptors) {
            driver.put_descriptor(DESCRIPTORS, index, *descriptor);
        }
        // Where the first buffer of a chain lies there is a header.
        for (descriptor, (kind, sector)) in descriptors.iter().zip(headers.iter().cycle()) {
            let header = [&kind.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat();
            let room = (FRAMES * FRAME_BYTES).saturating_sub(descriptor.address);
            if descriptor.address >= HEADER && room >= header.len() as u64 {
                driver.put(descriptor.address, &header);
            }
        }
        let heads: Vec<u8> = heads.iter().flat_map(|head| head.to_le_bytes()).collect();
        driver.put(AVAILABLE + 4, &heads);
        driver.put(AVAILABLE + 2, &available.to_le_bytes());

        let before: Vec<_> = (0..FRAMES).map(|number| driver.frame(number)).collect();
        driver.set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
        for (register, value) in writes {
            driver.set(register, value);
            driver.device.read(register);
        }
        for (number, before) in (0..).zip(before) {
            if driver.frame(number) != before {
                prop_assert!(
                    driver.device.written().contains(FrameNumber(number)),
                    "frame {number} changed and is not among those written"
                );
            }
        }
    }
}
