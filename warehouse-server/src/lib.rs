//! A server that hands out a text page by page, over TCP or a Unix socket.
//!
//! - [`text`](Text): what is served, from a file or generated
//! - [`server`](Server): listens, gives each connection a thread, ends them all
//! - `monitored`: whether a connection's thread waits for its client
//! - `connection`: one connection, in one of the two protocols that `abi::warehouse` describes
//! - [`log`](Request): what was asked for
//! - [`fault`](Fault): what the server does wrong when it is told to
//!
//! **Invariant:** clients are strangers. What they send is bounded before it is kept, their number is bounded, and one that neither
//! sends nor receives holds up nobody else.

#![forbid(unsafe_code)]

mod connection;
mod fault;
mod generate;
mod log;
mod monitored;
mod server;
mod socket;
mod text;

pub use fault::{Fault, UnknownFault};
pub use log::{Answer, Asked, Request};
pub use server::{Options, Server, Watcher};
pub use socket::{Address, BindError};
pub use text::{Text, TextError};
