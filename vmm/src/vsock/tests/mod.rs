//! The device between a driver and real servers: `traffic` keeps to the specification, `hostile` writes whatever it likes.

mod hostile;
mod traffic;

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use abi::vsock::{
    GUEST_CID, HEADER_BYTES, HOST_CID, Header, OP_REQUEST, OP_RESPONSE, RECEIVE_QUEUE, TRANSMIT_QUEUE,
    TYPE_STREAM,
};
use tempfile::TempDir;
use virtio_bindings::virtio_mmio::VIRTIO_MMIO_QUEUE_NOTIFY;
use vm_memory::{Bytes, GuestAddress};

use super::device::QUEUE_SIZE;
use super::{Hosts, SocketDevice};
use crate::scenario::{ServerPlace, VsockPort};
use crate::virtio::testing::{Bench, Descriptor, FRAME_BYTES, Rings, WRITE};

const FRAMES: u64 = 128;
/// Frames of a queue: descriptors, available ring, used ring.
const QUEUE_FRAMES: u64 = 3;
const RECEIVE: u64 = 0;
const TRANSMIT: u64 = QUEUE_FRAMES;
/// Where the driver has what it sends, and the buffers that it receives to: one of two frames for each entry.
const SENT: u64 = 8 * FRAME_BYTES;
const BUFFERS: u64 = 32 * FRAME_BYTES;
const BUFFER_BYTES: u64 = 2 * FRAME_BYTES;

/// The port behind which there is a server.
const PORT: u32 = 9000;
const GUEST_PORT: u32 = 1024;
const ROOM_BYTES: u32 = 16 << 10;
/// Longer than a busy machine can delay anything: who waits for so long waits for what does not come.
const PATIENCE: Duration = Duration::from_secs(600);

/// A machine with a server on the host, and what its driver has given to the device and taken back.
struct Driver {
    bench: Bench<SocketDevice>,
    listener: UnixListener,
    sent: u16,
    offered: u16,
    received: u16,
    _folder: TempDir,
}

impl Deref for Driver {
    type Target = Bench<SocketDevice>;

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
    fn started(patience: Duration) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("server");
        let listener = UnixListener::bind(&path).expect("a listener");
        let port = VsockPort::try_from(PORT.to_string()).expect("a port");
        let places = BTreeMap::from([(port, ServerPlace::Unix(path))]);
        let hosts = Hosts::start(&places).expect("nothing to start");
        let mut driver = Self {
            bench: Bench::new(SocketDevice::new(hosts, FRAMES, patience), FRAMES),
            listener,
            sent: 0,
            offered: 0,
            received: 0,
            _folder: folder,
        };
        driver.start();
        driver
    }

    fn start(&mut self) {
        let queues = [RECEIVE, TRANSMIT]
            .map(|frame| Rings([frame, frame + 1, frame + 2].map(|frame| frame * FRAME_BYTES)));
        self.bench.start(&queues, QUEUE_SIZE);
    }

    /// Gives the device so many buffers.
    fn offer(&mut self, count: u16) {
        for _ in 0..count {
            let index = self.offered % QUEUE_SIZE;
            let address = BUFFERS + u64::from(index) * BUFFER_BYTES;
            self.put_descriptor(RECEIVE, index, address, BUFFER_BYTES as u32, WRITE);
            self.offered = self.offered.wrapping_add(1);
            self.make_available(RECEIVE, index, self.offered);
        }
    }

    /// Sends a packet.
    fn send(&mut self, header: &Header, data: &[u8]) {
        let header = Header {
            len_bytes: data.len() as u32,
            ..*header
        };
        let bytes = [&header.encode()[..], data].concat();
        self.put(SENT, &bytes);
        let index = self.sent % QUEUE_SIZE;
        self.put_descriptor(TRANSMIT, index, SENT, bytes.len() as u32, 0);
        self.sent = self.sent.wrapping_add(1);
        self.make_available(TRANSMIT, index, self.sent);
        self.set(VIRTIO_MMIO_QUEUE_NOTIFY, TRANSMIT_QUEUE.into());
    }

    /// Has the device wait for something.
    fn look(&mut self) {
        self.set(VIRTIO_MMIO_QUEUE_NOTIFY, RECEIVE_QUEUE.into());
    }

    /// The next packet that the device has given.
    fn receive(&mut self) -> Option<(Header, Vec<u8>)> {
        let used = (RECEIVE + 2) * FRAME_BYTES;
        if u16::from_le_bytes(self.get(used + 2)) == self.received {
            return None;
        }
        let entry: [u8; 8] = self.get(used + 4 + 8 * u64::from(self.received % QUEUE_SIZE));
        self.received = self.received.wrapping_add(1);
        let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
        let (index, len) = (u64::from(word(0)), word(4) as usize);
        let mut bytes = vec![0; len];
        self.memory
            .read_slice(&mut bytes, GuestAddress(BUFFERS + index * BUFFER_BYTES))
            .expect("the buffer lies in memory");
        let (header, data) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let header = Header::decode(header);
        assert_eq!(header.len_bytes as usize, data.len(), "{header:?}");
        Some((header, data.to_vec()))
    }

    /// Looks until there is a packet.
    fn await_packet(&mut self) -> (Header, Vec<u8>) {
        self.look();
        self.receive().expect("a packet within the device's patience")
    }

    /// A connection, and the server's end of it.
    fn connect(&mut self) -> UnixStream {
        self.send(&packet(OP_REQUEST), &[]);
        let (response, _) = self.receive().expect("an answer at once");
        assert_eq!(
            (
                response.operation,
                response.source_port,
                response.destination_port
            ),
            (OP_RESPONSE, PORT, GUEST_PORT)
        );
        let (stream, _) = self.listener.accept().expect("the device has connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        stream
    }

    fn make_available(&self, queue: u64, index: u16, count: u16) {
        let ring = (queue + 1) * FRAME_BYTES;
        let slot = u64::from(count.wrapping_sub(1) % QUEUE_SIZE);
        self.put(ring + 4 + 2 * slot, &index.to_le_bytes());
        self.put(ring + 2, &count.to_le_bytes());
    }

    fn put_descriptor(&self, queue: u64, index: u16, address: u64, len_bytes: u32, flags: u16) {
        let descriptor = Descriptor {
            address,
            len_bytes,
            flags,
            next: 0,
        };
        self.bench.put_descriptor(queue * FRAME_BYTES, index, descriptor);
    }
}

/// A packet from the guest's port to the server's.
fn packet(operation: u16) -> Header {
    Header {
        source_cid: GUEST_CID,
        destination_cid: HOST_CID,
        source_port: GUEST_PORT,
        destination_port: PORT,
        len_bytes: 0,
        socket_type: TYPE_STREAM,
        operation,
        flags: 0,
        room_bytes: ROOM_BYTES,
        forwarded: 0,
    }
}
