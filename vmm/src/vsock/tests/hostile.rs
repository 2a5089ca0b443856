//! Rings, descriptors, headers and registers that no driver should write: the device lives, ends, and says what it wrote.

use std::time::Duration;

use abi::vsock::{GUEST_CID, HOST_CID, Header, RECEIVE_QUEUE, TRANSMIT_QUEUE};
use proptest::prelude::*;
use virtio_bindings::virtio_config::VIRTIO_CONFIG_S_NEEDS_RESET;
use virtio_bindings::virtio_mmio::{
    VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_MMIO_QUEUE_READY, VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_QUEUE_USED_LOW,
    VIRTIO_MMIO_STATUS,
};

use super::{
    BUFFERS, Driver, FRAME_BYTES, FRAMES, GUEST_PORT, OP_REQUEST, PORT, QUEUE_SIZE, RECEIVE, SENT, TRANSMIT,
    packet,
};
use crate::address::FrameNumber;
use crate::virtio::Device;

/// Servers are not waited for.
const NOT_AT_ALL: Duration = Duration::ZERO;

#[test]
fn rings_outside_memory_break_the_device_until_it_is_reset() {
    let mut driver = Driver::started(NOT_AT_ALL);
    driver.offer(1);
    driver.set(VIRTIO_MMIO_QUEUE_SEL, RECEIVE_QUEUE.into());
    driver.set(VIRTIO_MMIO_QUEUE_READY, 0);
    driver.set(VIRTIO_MMIO_QUEUE_USED_LOW, 0xffff_f000);
    driver.set(VIRTIO_MMIO_QUEUE_READY, 1);
    driver.send(&packet(OP_REQUEST), &[]);
    assert!(driver.device.read(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET != 0);
    (driver.sent, driver.offered) = (0, 0);
    driver.put((TRANSMIT + 2) * FRAME_BYTES, &[0; 4]);
    driver.start();
    driver.offer(1);
    driver.connect();
}

fn header() -> impl Strategy<Value = Header> {
    let cid = |usual| prop_oneof![8 => Just(usual), 1 => any::<u64>()];
    let port = |usual| prop_oneof![8 => Just(usual), 4 => 0..4u32, 1 => any::<u32>()];
    let places = (cid(GUEST_CID), cid(HOST_CID), port(GUEST_PORT), port(PORT));
    let len_bytes = prop_oneof![4 => 0..5000u32, 1 => any::<u32>()];
    let kind = (
        prop_oneof![9 => Just(1u16), 1 => any::<u16>()],
        prop_oneof![9 => 0..9u16, 1 => any::<u16>()],
    );
    let counters = (prop_oneof![Just(0u32), 0..20_000u32, any::<u32>()], any::<u32>());
    (places, len_bytes, kind, 0..5u32, counters).prop_map(|(places, len_bytes, kind, flags, counters)| {
        Header {
            source_cid: places.0,
            destination_cid: places.1,
            source_port: places.2,
            destination_port: places.3,
            len_bytes,
            socket_type: kind.0,
            operation: kind.1,
            flags,
            room_bytes: counters.0,
            forwarded: counters.1,
        }
    })
}

/// Address, length, flags and next descriptor.
fn descriptor() -> impl Strategy<Value = (u64, u32, u16)> {
    let end = FRAMES * FRAME_BYTES;
    let address = prop_oneof![
        8 => Just(SENT),
        4 => BUFFERS..end,
        2 => 0..end,
        1 => Just(end - 1),
        1 => end..,
    ];
    let len_bytes = prop_oneof![2 => 0..50u32, 4 => Just(8192u32), 1 => any::<u32>()];
    (address, len_bytes, 0..8u16)
}

proptest! {
    /// The dirty log of the machine is KVM's and the device's together, so what the device does not own up to is missed.
    #[test]
    fn whatever_the_driver_writes_the_device_lives_and_owns_up_to_each_frame_that_it_changes(
        connects in any::<bool>(),
        descriptors in prop::collection::vec((any::<bool>(), 0..QUEUE_SIZE, descriptor()), 0..24),
        headers in prop::collection::vec(header(), 1..12),
        registers in prop::collection::vec(((0..0x400u32).prop_map(|index| index * 4), any::<u32>()), 0..4),
    ) {
        let mut driver = Driver::started(NOT_AT_ALL);
        driver.offer(QUEUE_SIZE);
        let server = connects.then(|| driver.connect());
        for (is_received, index, (address, len_bytes, flags)) in descriptors {
            let queue = if is_received { RECEIVE } else { TRANSMIT };
            driver.put_descriptor(queue, index, address, len_bytes, flags);
        }
        let frames = |driver: &Driver| -> Vec<[u8; FRAME_BYTES as usize]> {
            (0..FRAMES).map(|number| driver.get(number * FRAME_BYTES)).collect()
        };
        for header in headers {
            driver.put(SENT, &header.encode());
            let index = driver.sent % QUEUE_SIZE;
            driver.sent = driver.sent.wrapping_add(1);
            driver.make_available(TRANSMIT, index, driver.sent);
            let before = frames(&driver);
            driver.set(VIRTIO_MMIO_QUEUE_NOTIFY, TRANSMIT_QUEUE.into());
            driver.look();
            for (number, before) in (0..).zip(before) {
                if driver.get::<{ FRAME_BYTES as usize }>(number * FRAME_BYTES) != before {
                    prop_assert!(
                        driver.device.written().contains(FrameNumber(number)),
                        "frame {number} changed and is not among those written"
                    );
                }
            }
        }
        for (register, value) in registers {
            driver.set(register, value);
            driver.device.read(register);
        }
        driver.look();
        drop(server);
        driver.look();
    }
}
