//! Which connections there are, and who may send next.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use abi::vsock::{GUEST_CID, HOST_CID, Header, OP_REQUEST, OP_RST, TYPE_STREAM};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::connection::{Connection, Due, Outbound};
use super::hosts::{Hosts, Serving};

/// Most connections at a time; a further one is refused.
pub const MAX_CONNECTIONS: usize = 64;
/// Most refusals that wait for room in the guest's queue. A guest that leaves no room must do without further ones.
const MAX_REFUSALS: usize = 64;

/// Time between two looks at what the awaited servers do.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// A server that was started for the guest and takes longer hangs.
const HANG_LIMIT: Duration = Duration::from_secs(600);

/// What came of waiting for servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// At least one of them has something.
    Something,
    /// None of them, or there are none to wait for.
    Nothing,
}

/// A connection, by its two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    guest_port: u32,
    host_port: u32,
}

/// The connections of a guest.
#[derive(Default)]
pub(super) struct Switch {
    connections: BTreeMap<Key, Connection>,
    /// Headers of packets that nobody wants, to be answered by a reset.
    refused: VecDeque<Header>,
    /// Whose turn it was last.
    last: Option<Key>,
}

impl Switch {
    /// The driver starts anew.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// A packet of the guest.
    pub(super) fn take(&mut self, header: &Header, data: &[u8], hosts: &Hosts) {
        if header.source_cid != GUEST_CID {
            return;
        }
        if header.destination_cid != HOST_CID || header.socket_type != TYPE_STREAM {
            self.refuse(header);
            return;
        }
        let key = Key {
            guest_port: header.source_port,
            host_port: header.destination_port,
        };
        let is_known = self.connections.contains_key(&key);
        match header.operation {
            OP_REQUEST if !is_known && self.connections.len() < MAX_CONNECTIONS => {
                let endpoint = hosts.endpoint(key.host_port);
                match endpoint.map(|endpoint| Connection::open(endpoint, header)) {
                    Some(Ok(connection)) => {
                        hosts.note_connected(key.host_port);
                        self.connections.insert(key, connection);
                    }
                    Some(Err(_)) | None => self.refuse(header),
                }
            }
            OP_RST => drop(self.connections.remove(&key)),
            _ => {
                let taken = self
                    .connections
                    .get_mut(&key)
                    .map(|connection| connection.take(header, data));
                if taken != Some(Ok(())) {
                    self.connections.remove(&key);
                    self.refuse(header);
                }
            }
        }
    }

    /// Whether there are connections, over which a server may send something.
    pub(super) fn has_connections(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Moves what can be moved between here and the servers.
    pub(super) fn pump(&mut self) {
        self.connections.values_mut().for_each(Connection::pump);
    }

    /// Waits until a server has something; those that it was waited for in vain are silent from then on. One that was started
    /// for the guest has nothing when it is at rest, and any other when it has not come before the deadline.
    pub(super) fn wait(&mut self, deadline: Instant, hosts: &Hosts) -> Waited {
        let awaited = self.connections.iter_mut().filter_map(|(key, connection)| {
            let flags = connection.awaited()?;
            Some((key.host_port, connection, flags))
        });
        let awaited: Vec<(u32, &mut Connection, PollFlags)> = awaited.collect();
        if awaited.is_empty() {
            return Waited::Nothing;
        }
        let entries = awaited
            .iter()
            .map(|(_, connection, flags)| PollFd::from_borrowed_fd(connection.socket().as_fd(), *flags));
        let mut entries: Vec<PollFd<'_>> = entries.collect();
        let mut limit = Duration::ZERO;
        let hangs_at = Instant::now() + HANG_LIMIT;
        loop {
            // Asked first: what a server sent before it was at rest is seen by what follows.
            let now = Instant::now();
            let may_come = awaited.iter().any(|(port, ..)| match hosts.progress(*port) {
                Serving::AtRest => false,
                Serving::Busy => now < hangs_at,
                Serving::Unknown => now < deadline,
            });
            let timeout = Timespec::try_from(limit).expect("a few milliseconds");
            match poll(&mut entries, Some(&timeout)) {
                Ok(0) if !may_come => break,
                // A signal only wants the vCPU's thread to look at its clocks.
                Ok(0) | Err(_) => {}
                Ok(_) => return Waited::Something,
            }
            limit = LOOK_INTERVAL;
        }
        drop(entries);
        awaited
            .into_iter()
            .for_each(|(_, connection, _)| connection.give_up_waiting());
        Waited::Nothing
    }

    /// Whether there is a packet for the guest.
    pub(super) fn is_due(&self, due: Due) -> bool {
        !self.refused.is_empty() || self.connections.values().any(|connection| connection.is_due(due))
    }

    /// The next packet for the guest, with data for at most `room` bytes. Connections take turns.
    pub(super) fn next(&mut self, due: Due, room: usize) -> Option<(Header, Vec<u8>)> {
        if let Some(refused) = self.refused.pop_front() {
            return Some(packet(
                (refused.destination_cid, refused.destination_port),
                refused.source_port,
                Outbound::reset(),
            ));
        }
        let is_due = |(key, connection): (&Key, &Connection)| connection.is_due(due).then_some(*key);
        let after = self.connections.iter().filter(|(key, _)| Some(**key) > self.last);
        let key = after
            .filter_map(is_due)
            .next()
            .or_else(|| self.connections.iter().find_map(is_due))?;
        self.last = Some(key);
        let connection = self.connections.get_mut(&key)?;
        let is_over = connection.is_over();
        let outbound = connection.next(due, room)?;
        if is_over {
            self.connections.remove(&key);
        }
        Some(packet((HOST_CID, key.host_port), key.guest_port, outbound))
    }

    /// Answers by a reset, unless it is one itself.
    fn refuse(&mut self, header: &Header) {
        if header.operation != OP_RST && self.refused.len() < MAX_REFUSALS {
            self.refused.push_back(*header);
        }
    }
}

fn packet(source: (u64, u32), guest_port: u32, outbound: Outbound) -> (Header, Vec<u8>) {
    let header = Header {
        source_cid: source.0,
        destination_cid: GUEST_CID,
        source_port: source.1,
        destination_port: guest_port,
        len_bytes: u32::try_from(outbound.data.len()).expect("no more than a buffer"),
        socket_type: TYPE_STREAM,
        operation: outbound.operation,
        flags: outbound.flags,
        room_bytes: outbound.room_bytes,
        forwarded: outbound.forwarded,
    };
    (header, outbound.data)
}
