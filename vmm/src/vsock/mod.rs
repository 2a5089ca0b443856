//! Sockets between the guest and servers of the host: a virtio socket device.
//!
//! - [`hosts`](Hosts): what a scenario connects ports to, and the servers that it has started
//! - [`device`](SocketDevice): the registers and queues
//! - `switch`: which connections there are, and who may send next
//! - `connection`: one connection, between its packets and the host's socket; `socket`: that socket
//!
//! **When does something arrive?** What the guest sends is taken at once, and goes to the server as soon as that reads. What servers
//! send comes when the driver looks: when it notifies the receive queue, which it does because one of its threads waits for the
//! network and all the others have had their turn. With a virtual clock the device then waits for the servers. A warehouse that was started for the guest
//! is waited for until it is at rest, however busy the host is; any other server no longer than the budget's `answer_ms` of real time, for
//! nobody knows what it does. So a quick server and a slow one are the same to the guest: neither time nor another thread goes on
//! while an answer is on its way. A server that is at rest or lets that time pass counts as silent until it speaks or is spoken to,
//! so the guest's own time limits run out. With the real clock nothing waits: what servers send comes within milliseconds, with an interrupt
//! where the machine has interrupt controllers, and the driver of this project's kernel looks at every tick.
//!
//! How many bytes come at once is up to the server and the sockets, as on every network.
//!
//! **Invariant:** the guest reaches the ports that the scenario names and nothing else. It writes every byte of the headers; whatever
//! they hold, memory is bounded by [`MAX_CONNECTIONS`] times twice [`BUFFER_BYTES`], and work by the size of the queues.

mod connection;
mod device;
mod hosts;
mod socket;
mod switch;
#[cfg(test)]
mod tests;

pub use connection::BUFFER_BYTES;
pub use device::SocketDevice;
pub use hosts::{Hosts, HostsError, Served};
pub use switch::MAX_CONNECTIONS;

use crate::virtio;

/// Word for the kernel command line that tells where the device is.
#[must_use]
pub fn command_line_word() -> String {
    virtio::command_line_word(abi::vsock::PHYS_BASE, abi::vsock::INTERRUPT)
}
