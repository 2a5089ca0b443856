//! Packets to and from the host: a virtio socket device. The queues are the `virtio-drivers` crate's. Its driver for such devices is not
//! used: that one does not tell a peer that has closed one direction from one that has closed both.

#![allow(unsafe_code, reason = "memory that a device reads and writes")]

use alloc::vec::Vec;
use core::fmt;

use abi::vsock::{HEADER_BYTES, Header, RECEIVE_QUEUE, TRANSMIT_QUEUE};
use virtio_drivers::queue::VirtQueue;
use virtio_drivers::transport::mmio::MmioTransport;
use virtio_drivers::transport::{DeviceStatus, Transport};

use super::virtio::DirectMap;

/// Feature bit: a device of version 1 of the specification.
const VERSION_1: u64 = 1 << 32;
/// Buffers that wait for packets, and bytes of each: a page of data and a little more fits into one.
const RECEIVE_BUFFERS: usize = 8;
const RECEIVE_BUFFER_BYTES: usize = 8192;
/// One packet is sent at a time; it takes two.
const TRANSMIT_DESCRIPTORS: usize = 2;

/// The device.
pub(crate) struct SocketDriver {
    transport: MmioTransport<'static>,
    receive: VirtQueue<DirectMap, RECEIVE_BUFFERS>,
    /// By token; on the heap, where the device finds each in one piece.
    buffers: [Vec<u8>; RECEIVE_BUFFERS],
    transmit: VirtQueue<DirectMap, TRANSMIT_DESCRIPTORS>,
    /// In static memory, where the device finds it in one piece.
    header: [u8; HEADER_BYTES],
    cid: u64,
}

impl fmt::Debug for SocketDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketDriver")
            .field("cid", &self.cid)
            .finish_non_exhaustive()
    }
}

impl SocketDriver {
    /// Starts the device behind the registers. Panics if it cannot be.
    pub(crate) fn start(mut transport: MmioTransport<'static>) -> Self {
        let known = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
        transport.set_status(DeviceStatus::empty());
        transport.set_status(known);
        let features = transport.read_device_features() & VERSION_1;
        transport.write_driver_features(features);
        transport.set_status(known | DeviceStatus::FEATURES_OK);
        let agreed = transport.get_status().contains(DeviceStatus::FEATURES_OK);
        assert!(
            agreed,
            "the socket device does not agree on features {features:#x}"
        );
        let word = |offset| {
            let word: Result<u32, _> = transport.read_config_space(offset);
            u64::from(word.expect("the device has a context identifier"))
        };
        let cid = word(0) | word(4) << 32;
        let receive = VirtQueue::new(&mut transport, RECEIVE_QUEUE, false, false);
        let transmit = VirtQueue::new(&mut transport, TRANSMIT_QUEUE, false, false);
        let mut driver = Self {
            receive: receive.expect("the device has a queue to receive"),
            buffers: core::array::from_fn(|_| alloc::vec![0; RECEIVE_BUFFER_BYTES]),
            transmit: transmit.expect("the device has a queue to send"),
            header: [0; HEADER_BYTES],
            transport,
            cid,
        };
        (0..RECEIVE_BUFFERS).for_each(|index| driver.offer(index));
        driver.transport.finish_init();
        driver
    }

    /// The guest's context identifier.
    pub(crate) fn cid(&self) -> u64 {
        self.cid
    }

    /// Sends a packet. The data lies on the heap.
    pub(crate) fn send(&mut self, header: &Header, data: &[u8]) {
        self.header = header.encode();
        let both = [&self.header[..], data];
        let parts = if data.is_empty() { &both[..1] } else { &both };
        // SAFETY: header and data are borrowed until the device is done with them, below.
        let token = unsafe { self.transmit.add(parts, &mut []) };
        let token = token.expect("nothing else is being sent");
        self.transport.notify(TRANSMIT_QUEUE);
        while self.transmit.peek_used() != Some(token) {
            core::hint::spin_loop();
        }
        // SAFETY: the buffers are those that the token was given for.
        let popped = unsafe { self.transmit.pop_used(token, parts, &mut []) };
        popped.expect("the device is done with it");
    }

    /// Tells the device that somebody waits for the network; see [`abi::vsock`].
    pub(crate) fn ask(&mut self) {
        self.transport.notify(RECEIVE_QUEUE);
    }

    /// Takes all packets that have come. False when there were none.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&Header, &[u8], &mut Replies)) -> bool {
        let mut replies = Replies::default();
        let mut has_any = false;
        while let Some(token) = self.receive.peek_used() {
            has_any = true;
            let index = usize::from(token);
            let buffer = &mut self.buffers[index];
            // SAFETY: the buffer is the one that the token was given for.
            let len = unsafe { self.receive.pop_used(token, &[], &mut [buffer.as_mut_slice()]) };
            let len = len.expect("it was there a moment before") as usize;
            let packet = self.buffers[index].get(..len).and_then(<[u8]>::split_first_chunk);
            if let Some((header, data)) = packet {
                let header = Header::decode(header);
                // What a packet says of its data must be true.
                if let Some(data) = data.get(..header.len_bytes as usize) {
                    each(&header, data, &mut replies);
                }
            }
            self.offer(index);
            for reply in replies.0.iter_mut().filter_map(Option::take) {
                self.send(&reply, &[]);
            }
        }
        has_any
    }

    /// Gives the device a buffer. Nobody need be told: the device fills it when it is asked.
    fn offer(&mut self, index: usize) {
        let buffer = self.buffers[index].as_mut_slice();
        // SAFETY: the buffer stays where it is, and is not touched until the device gives it back.
        let token = unsafe { self.receive.add(&[], &mut [buffer]) };
        assert!(
            token.is_ok_and(|token| usize::from(token) == index),
            "a buffer has one place in the queue"
        );
    }
}

/// Packets without data that answer one that came: at most one does.
#[derive(Default)]
pub(crate) struct Replies([Option<Header>; 1]);

impl Replies {
    pub(crate) fn send(&mut self, header: Header) {
        self.0[0] = Some(header);
    }
}
