//! The reference: the same programs and the same agent, on the Linux that this runs on.
//!
//! A scenario's steps can be replayed here to learn what Linux answers: return values, contents, faults, statuses. The
//! agent's binary is the guest's; only its transport is another (see [`abi::doorbell::socket`]).
//!
//! - [`LinuxAgent`] drives agents: an operation goes out on a channel with [`LinuxAgent::send`], and
//!   [`LinuxAgent::receive`] tells what came back
//! - [`run_program`] runs a program that needs no driving and gives its status and output
//!
//! What a guest gives its processes is recreated as far as a verdict could depend on it: the first process inherits the
//! orphans, as init does; no core dump alters a wait status; programs are found by their bare names.
//!
//! **Invariant:** nothing outlives its handle. Each tree of processes is a process group, and dropping the handle kills all of
//! it.

mod agent;
mod channel;
mod console;
mod error;
mod family;
mod launch;
mod packet;
mod program;

pub use agent::{CHANNELS, LinuxAgent};
pub use channel::{ProcessIds, Received};
pub use error::ReferenceError;
pub use packet::{Reply, Request};
pub use program::{ProgramRun, run_program};
