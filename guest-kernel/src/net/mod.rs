//! Sockets: streams between programs and servers of the host, over a virtio socket device (`AF_VSOCK`).
//!
//! - `socket`: what programs have: a file, and what only sockets can do
//! - `connection`: one connection: what was received, credit, who has ended what; knows no device
//! - `network`: the device and the connections on it
//! - `awaited`: whether anybody waits for the network
//!
//! There is no interrupt. What has come is picked up whenever a program asks for it, and the device is asked for more ([`look`]) when
//! somebody waits and either a tick says that all others have had their turn or nobody else can run. See [`abi::vsock`] for what the
//! device makes of that.
//!
//! **Invariant:** a connection has room for so many bytes and no more, and there are at most `MAX_CONNECTIONS`. Nothing is copied from
//! or to a program while the network is held.

mod awaited;
mod connection;
mod network;
mod socket;

pub(crate) use awaited::{Awaited, is_awaited};
pub(crate) use network::{look, start};
pub(crate) use socket::{Address, Socket};
