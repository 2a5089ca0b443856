//! The device, and the connections on it.

use alloc::vec::Vec;

use abi::vsock::{Header, OP_REQUEST, OP_RST};

use super::awaited;
use super::connection::Connection;
use crate::device::vsock::SocketDriver;
use crate::errno::Errno;
use crate::fs::readiness;
use crate::sync::Lock;

/// Most connections at a time.
const MAX_CONNECTIONS: usize = 64;
/// First port that a connection gets; those below are for servers (`LAST_RESERVED_PORT`).
const FIRST_PORT: u32 = 1024;

struct Network {
    driver: SocketDriver,
    connections: Vec<Connection>,
    next_port: u32,
}

static NETWORK: Lock<Option<Network>> = Lock::new(None);

/// There is a device from now on. A second one has nothing that the first has not.
pub(crate) fn start(driver: SocketDriver) {
    let mut connections = Vec::new();
    connections
        .try_reserve_exact(MAX_CONNECTIONS)
        .expect("memory is plenty at boot");
    *NETWORK.lock() = Some(Network {
        driver,
        connections,
        next_port: FIRST_PORT,
    });
}

/// Asks the device for more if somebody waits for the network, and picks it up. False when nobody does.
pub(crate) fn look() -> bool {
    let is_awaited = awaited::is_awaited();
    if is_awaited {
        if let Some(network) = &mut *NETWORK.lock() {
            network.driver.ask();
        }
        pick_up();
    }
    is_awaited
}

/// Gives each connection what has come for it.
pub(super) fn pick_up() {
    let has_any = NETWORK.lock().as_mut().is_some_and(Network::pick_up);
    if has_any {
        readiness::changed();
    }
}

/// Asks for a connection; gives its local port. ENODEV when there is no device.
pub(super) fn connect(peer: (u64, u32)) -> Result<u32, Errno> {
    let mut network = NETWORK.lock();
    let network = network.as_mut().ok_or(Errno::ENODEV)?;
    if network.connections.len() == MAX_CONNECTIONS {
        return Err(Errno::ENOMEM);
    }
    let port = network.free_port();
    let mut connection = Connection::new((network.driver.cid(), port), peer)?;
    network.driver.send(&connection.request(), &[]);
    network.connections.push(connection);
    Ok(port)
}

/// What `f` makes of the connection with a local port.
pub(super) fn with<R>(port: u32, f: impl FnOnce(&mut Connection) -> R) -> R {
    with_network(|network| f(network.find(port)))
}

/// Sends the packet that `f` gives, if it gives one.
pub(super) fn tell(port: u32, f: impl FnOnce(&mut Connection) -> Option<Header>) {
    with_network(|network| network.tell(port, f));
}

/// Sends as much of the data, which lies on the heap, as the peer has room for; says how much.
pub(super) fn send(port: u32, data: &[u8]) -> Result<usize, Errno> {
    with_network(|network| {
        let connection = network.find(port);
        let room = connection.room_to_send()? as usize;
        let data = &data[..data.len().min(room)];
        if !data.is_empty() {
            let header = connection.data(data.len() as u32);
            network.driver.send(&header, data);
        }
        Ok(data.len())
    })
}

/// Forgets a connection, after a packet that tells the peer. What comes for it later is nobody's.
pub(super) fn forget(port: u32, last_words: impl FnOnce(&mut Connection) -> Option<Header>) {
    with_network(|network| {
        network.tell(port, last_words);
        network
            .connections
            .retain(|connection| connection.local_port != port);
    });
}

/// For what is about a connection.
fn with_network<R>(f: impl FnOnce(&mut Network) -> R) -> R {
    let mut network = NETWORK.lock();
    f(network
        .as_mut()
        .expect("where there is a connection there is a device"))
}

impl Network {
    fn find(&mut self, port: u32) -> &mut Connection {
        let mut connections = self.connections.iter_mut();
        let found = connections.find(|connection| connection.local_port == port);
        found.expect("a socket has its port for as long as there is the connection")
    }

    fn tell(&mut self, port: u32, f: impl FnOnce(&mut Connection) -> Option<Header>) {
        if let Some(packet) = f(self.find(port)) {
            self.driver.send(&packet, &[]);
        }
    }

    /// Ports are used again after all others have been.
    fn free_port(&mut self) -> u32 {
        loop {
            let port = self.next_port;
            self.next_port = port
                .checked_add(1)
                .filter(|next| *next < u32::MAX)
                .unwrap_or(FIRST_PORT);
            if self
                .connections
                .iter()
                .all(|connection| connection.local_port != port)
            {
                return port;
            }
        }
    }

    fn pick_up(&mut self) -> bool {
        let connections = &mut self.connections;
        self.driver.take(|header, data, replies| {
            let owner = connections.iter_mut().find(|connection| connection.owns(header));
            let reply = match owner {
                Some(connection) => connection.take(header, data),
                // Nobody listens. Other packets are late ones for a connection that was forgotten.
                None => (header.operation == OP_REQUEST).then(|| refusal(header)),
            };
            if let Some(reply) = reply {
                replies.send(reply);
            }
        })
    }
}

fn refusal(request: &Header) -> Header {
    Header {
        source_cid: request.destination_cid,
        destination_cid: request.source_cid,
        source_port: request.destination_port,
        destination_port: request.source_port,
        operation: OP_RST,
        socket_type: request.socket_type,
        ..Header::default()
    }
}
