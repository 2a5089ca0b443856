//! The device, as its driver sees it.

use std::time::{Duration, Instant};

use abi::vsock::{GUEST_CID, HEADER_BYTES, Header, RECEIVE_QUEUE, TRANSMIT_QUEUE};
use virtio_bindings::virtio_ids::VIRTIO_ID_VSOCK;
use virtio_bindings::virtio_mmio::VIRTIO_MMIO_CONFIG;
use virtio_queue::DescriptorChain;
use virtio_vsock::packet::VsockPacket;
use vm_memory::{GuestMemoryMmap, VolatileSlice};

use super::connection::{BUFFER_BYTES, Due};
use super::hosts::{Hosts, Served};
use super::switch::{Switch, Waited};
use crate::inspect::FrameSet;
use crate::interrupt_line::InterruptLine;
use crate::virtio::{self, Transport, Write, word};

pub(super) const QUEUE_SIZE: u16 = 16;
/// Queues to receive, to transmit, and for events, of which there are none.
const QUEUES: usize = 3;
const RECEIVE: usize = RECEIVE_QUEUE as usize;
const TRANSMIT: usize = TRANSMIT_QUEUE as usize;
/// Fields of the configuration space: the guest's context identifier, of 64 bits.
const CONFIG_CID_LOW: u32 = VIRTIO_MMIO_CONFIG;
const CONFIG_CID_HIGH: u32 = VIRTIO_MMIO_CONFIG + 4;
/// Most data of one packet, either way.
const MAX_DATA_BYTES: u32 = BUFFER_BYTES;

/// Sockets behind registers and queues.
pub struct SocketDevice {
    transport: Transport<QUEUES>,
    switch: Switch,
    hosts: Hosts,
    /// How long it waits for something when the driver looks.
    pub(super) patience: Duration,
}

impl SocketDevice {
    /// A device through which a guest with so many frames reaches these servers. When the driver looks for something new, it
    /// waits that long for it.
    #[must_use]
    pub fn new(hosts: Hosts, frames: u64, patience: Duration) -> Self {
        Self {
            transport: Transport::new(VIRTIO_ID_VSOCK, 0, QUEUE_SIZE, frames),
            switch: Switch::default(),
            hosts,
            patience,
        }
    }

    /// From now on the device interrupts by this line.
    pub(crate) fn connect(&mut self, line: InterruptLine) {
        self.transport.connect(line);
    }

    /// The servers behind the guest's ports.
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Whether a server may send the guest something.
    #[must_use]
    pub fn awaits_servers(&self) -> bool {
        self.switch.has_connections()
    }

    /// Ends all connections and the servers that were started for the guest, and gives all that they were asked for.
    #[must_use]
    pub fn end(self) -> Vec<Served> {
        drop(self.switch);
        self.hosts.stop()
    }

    /// Frames that the device itself has written to since the machine was made.
    #[must_use]
    pub fn written(&self) -> &FrameSet {
        self.transport.written()
    }

    /// Gives the driver what servers have sent, without waiting for any.
    pub(crate) fn take_from_servers(&mut self, memory: &GuestMemoryMmap) {
        self.switch.pump();
        self.fill(Due::Everything, memory);
    }

    /// Takes what the driver sends, and gives what answers it at once.
    fn transmit(&mut self, memory: &GuestMemoryMmap) {
        let (switch, hosts) = (&mut self.switch, &self.hosts);
        self.transport.serve(TRANSMIT, memory, |chain| {
            // What is no packet is dropped.
            if let Some((header, data)) = read(chain, memory) {
                switch.take(&header, &data, hosts);
            }
            0
        });
        self.fill(Due::Answers, memory);
    }

    /// Gives the driver what there is for it, and waits for something if there is nothing.
    fn look(&mut self, memory: &GuestMemoryMmap) {
        let deadline = Instant::now() + self.patience;
        loop {
            self.switch.pump();
            let given = self.fill(Due::Everything, memory);
            // The driver may have no buffers for what there is.
            if given > 0 || self.switch.is_due(Due::Everything) {
                return;
            }
            match self.switch.wait(deadline, &self.hosts) {
                Waited::Something => {}
                Waited::Nothing => return,
            }
        }
    }

    /// Fills the driver's buffers, at most as many as the queue can hold, and says how many.
    fn fill(&mut self, due: Due, memory: &GuestMemoryMmap) -> u32 {
        let mut given = 0;
        if !self.switch.is_due(due) || !self.transport.is_usable(RECEIVE, memory) {
            return given;
        }
        for _ in 0..self.transport.queue_size(RECEIVE) {
            if !self.switch.is_due(due) {
                break;
            }
            let Some(chain) = self.transport.next(RECEIVE, memory) else {
                break;
            };
            let head = chain.head_index();
            let len_bytes = self.put(chain, due, memory).unwrap_or(0);
            if !self.transport.give_back(RECEIVE, memory, head, len_bytes) {
                break;
            }
            given += 1;
        }
        given
    }

    /// Writes the next packet to a chain; None when the chain cannot hold any.
    fn put(
        &mut self,
        mut chain: DescriptorChain<&GuestMemoryMmap>,
        due: Due,
        memory: &GuestMemoryMmap,
    ) -> Option<u32> {
        let mut packet = VsockPacket::from_rx_virtq_chain(memory, &mut chain, MAX_DATA_BYTES).ok()?;
        let room = packet.data_slice().map_or(0, VolatileSlice::len);
        let (header, data) = self.switch.next(due, room)?;
        packet.set_header_from_raw(&header.encode()).ok()?;
        if let Some(place) = packet.data_slice() {
            place.copy_from(&data);
        }
        u32::try_from(HEADER_BYTES + data.len()).ok()
    }
}

impl virtio::Device for SocketDevice {
    fn read(&self, offset: u32) -> u32 {
        match offset {
            CONFIG_CID_LOW => word(GUEST_CID, 0),
            CONFIG_CID_HIGH => word(GUEST_CID, 1),
            _ => self.transport.read(offset),
        }
    }

    fn write(&mut self, offset: u32, value: u32, memory: &GuestMemoryMmap) {
        match self.transport.write(offset, value) {
            Write::Notified(RECEIVE) => self.look(memory),
            Write::Notified(TRANSMIT) => self.transmit(memory),
            Write::Notified(_) | Write::Done => {}
            Write::Reset => self.switch.reset(),
        }
    }
}

/// The packet in a chain, copied out.
fn read(mut chain: DescriptorChain<&GuestMemoryMmap>, memory: &GuestMemoryMmap) -> Option<(Header, Vec<u8>)> {
    let packet = VsockPacket::from_tx_virtq_chain(memory, &mut chain, MAX_DATA_BYTES).ok()?;
    let header = Header {
        source_cid: packet.src_cid(),
        destination_cid: packet.dst_cid(),
        source_port: packet.src_port(),
        destination_port: packet.dst_port(),
        len_bytes: packet.len(),
        socket_type: packet.type_(),
        operation: packet.op(),
        flags: packet.flags(),
        room_bytes: packet.buf_alloc(),
        forwarded: packet.fwd_cnt(),
    };
    let mut data = vec![0; packet.data_slice().map_or(0, VolatileSlice::len)];
    if let Some(place) = packet.data_slice() {
        place.copy_to(&mut data);
    }
    Some((header, data))
}
