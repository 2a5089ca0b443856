//! What a scenario connects the guest's ports to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;
use warehouse_server::{Address, BindError, Options, Request, Server, Text, TextError};

use crate::scenario::{ServerPlace, VsockPort, Warehouse};

/// Name of a warehouse's socket in its folder.
const SOCKET_NAME: &str = "warehouse";

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

/// The servers behind the guest's ports. Those that were started for the guest end with it.
#[derive(Default)]
pub struct Hosts {
    endpoints: BTreeMap<u32, Endpoint>,
    warehouses: Vec<Running>,
}

/// A warehouse that was started for the guest; the server is dropped before the folder that its socket lies in.
struct Running {
    port: u32,
    /// Connections that were made to it.
    connected: Cell<u32>,
    server: Server,
    _folder: TempDir,
}

/// What is known of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    /// Nothing comes from it until it is spoken to.
    AtRest,
    /// It will go on.
    Busy,
    /// It is not one that was started for the guest.
    Unknown,
}

/// What the warehouse behind a port was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The port.
    pub port: u32,
    /// Connection after connection, and on each in the order in which it came.
    pub requests: Vec<Request>,
}

/// A server for the guest could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// No folder for its socket.
    #[error("cannot make a folder for the socket of a warehouse in {}; TMPDIR names another place", parent.display())]
    Folder {
        /// Where it was to be.
        parent: PathBuf,
        /// Why it is not.
        source: io::Error,
    },
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// It has nothing to serve.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl Hosts {
    /// Starts the servers that are to be started.
    ///
    /// # Errors
    /// One of them could not be.
    pub fn start(places: &BTreeMap<VsockPort, ServerPlace>) -> Result<Self, HostsError> {
        let mut hosts = Self::default();
        for (port, place) in places {
            let port = port.number();
            let endpoint = match place {
                ServerPlace::Unix(path) => Endpoint::Unix(path.clone()),
                ServerPlace::Tcp(address) => Endpoint::Tcp(*address),
                ServerPlace::Warehouse(warehouse) => hosts.start_warehouse(port, warehouse)?,
            };
            hosts.endpoints.insert(port, endpoint);
        }
        Ok(hosts)
    }

    /// What the warehouse behind a port serves, and what it was asked for so far.
    #[must_use]
    pub fn warehouse(&self, port: u32) -> Option<(&Text, Vec<Request>)> {
        let running = self.running(port)?;
        Some((running.server.text(), running.server.requests()))
    }

    /// Ends the servers that were started, after what they were sent is served, and gives all that they were asked for.
    #[must_use]
    pub fn stop(self) -> Vec<Served> {
        let served = self.warehouses.into_iter().map(|running| Served {
            port: running.port,
            requests: running.server.stop(),
        });
        served.collect()
    }

    /// The guest has a connection to the server behind a port.
    pub(super) fn note_connected(&self, port: u32) {
        if let Some(running) = self.running(port) {
            running.connected.set(running.connected.get() + 1);
        }
    }

    /// Whether the server behind a port has answered all that it will answer.
    pub(super) fn progress(&self, port: u32) -> Serving {
        match self.running(port) {
            None => Serving::Unknown,
            Some(running) if running.server.is_at_rest(running.connected.get()) => Serving::AtRest,
            Some(_) => Serving::Busy,
        }
    }

    fn running(&self, port: u32) -> Option<&Running> {
        self.warehouses.iter().find(|running| running.port == port)
    }

    pub(super) fn endpoint(&self, port: u32) -> Option<&Endpoint> {
        self.endpoints.get(&port)
    }

    fn start_warehouse(&mut self, port: u32, warehouse: &Warehouse) -> Result<Endpoint, HostsError> {
        let parent = std::env::temp_dir();
        let folder = TempDir::new_in(&parent).map_err(|source| HostsError::Folder { parent, source })?;
        let path = folder.path().join(SOCKET_NAME);
        let options = Options {
            fault: warehouse.fault.map(Into::into),
            ..Options::default()
        };
        let text = Text::generated(warehouse.pages)?;
        let server = Server::start(&Address::Unix(path.clone()), text, options)?;
        self.warehouses.push(Running {
            port,
            connected: Cell::new(0),
            server,
            _folder: folder,
        });
        Ok(Endpoint::Unix(path))
    }
}
