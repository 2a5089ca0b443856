//! The reference: the same programs and the same agent, on the Linux that this runs on.
//!
//! A scenario's steps can be replayed here to learn what Linux answers: return values, contents, faults, statuses. The
//! agent's binary is the guest's; only its transport is another (see [`abi::doorbell::socket`]).
//!
//! - [`replay`] has Linux perform a scenario's operations and gives its claims, to be compared with a guest's
//! - [`Differences`] holds them against a guest's, and knows which may differ
//! - [`LinuxDriver`] drives agents for a [`Performer`](crate::perform::Performer), as it is done for a guest
//! - [`LinuxAgent`] talks to single agents: an operation goes out on a channel with [`LinuxAgent::send`], and
//!   [`LinuxAgent::receive`] tells what came back
//! - [`run_program`] runs a program that needs no driving and gives its status and output
//!
//! What a guest gives its processes is recreated as far as a verdict could depend on it: the first process inherits the
//! orphans, as init does; no core dump alters a wait status; programs are found by their bare names.
//!
//! **Invariant:** nothing outlives its handle. Each tree of processes is a process group, and dropping the handle kills all of
//! it.

mod agent;
mod console;
mod differences;
mod driver;
mod error;
mod family;
mod launch;
mod line;
mod packet;
mod program;
mod replay;

use std::time::Duration;

pub use agent::{CHANNELS, LinuxAgent};
pub use differences::{
    Answers, ComparedStep, Comparison, Difference, Differences, DifferencesError, answered,
};
pub use driver::{LinuxDriver, MAX_LIVING_AGENTS};
pub use error::ReferenceError;
pub use line::Received;
pub use program::{ProgramRun, run_program};
pub use replay::{StepClaims, is_replayed, replay, replayed_steps};

/// How long to wait for what must come, however busy this machine is: what has not come then never does.
const HANG_LIMIT: Duration = Duration::from_secs(3600);
