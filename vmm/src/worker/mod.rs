//! One run in a process of its own.
//!
//! A guest is a stranger's, and so is whatever it may come to do to the process that runs it. So each scenario runs in a worker: the
//! command starts itself again ([`pool`]), the worker reads its [`Job`] from standard input, opens what it needs, confines itself
//! ([`confine()`]), and writes an [`Answer`] to standard output. A worker that dies costs the verdict of its own run.
//!
//! - [`job`]: what a worker is asked, and what it answers
//! - [`serve`]: the worker's side
//! - [`confine()`]: what a worker may still do
//! - [`pool`]: many workers, answers in the order of the jobs
//! - [`EmulatedPool`]: one worker after the other in an emulated machine

mod child;
mod confine;
mod emulated;
mod filter;
mod job;
pub mod pool;
mod serve;

pub use confine::{Allowed, ConfineError, Processes, Sockets, confine};
pub use emulated::{EMULATED_COMMAND, EmulatedPool, serve_emulated};
pub use job::{Answer, Confinement, Fault, Job, RunLimits, patience};
pub use serve::{Jobs, serve};

/// The hidden command of a worker, and its option when it is for several jobs.
pub const COMMAND: &str = "worker";
const SEVERAL: &str = "--several";
