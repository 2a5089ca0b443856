//! What a kernel did while a step ran, function by function: seen from outside, by steps of the processor, and not told by the guest.
//!
//! A [`Trace`] is a list of [`Event`]s in the order in which they happened. Time is counted in instructions of kernel mode, so it is the
//! same in each run, however busy the host is. Views are made of it: [`profile`], which adds up.

pub mod profile;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printable::Printable;

/// The name of a function that has none that is known, such as one of a module, or one that was made while the kernel ran.
pub const UNKNOWN: &str = "?";

/// What a kernel did in a stretch of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Names of the functions that events mention.
    pub functions: Vec<Printable>,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Instructions of kernel mode in the stretch.
    pub instructions: u64,
    /// Whether the stretch went on after the last event, which is so when it had too many.
    #[serde(default)]
    pub is_cut: bool,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Instructions of the stretch before it.
    pub at: u64,
    /// What it was.
    pub what: What,
}

/// What can happen. Calls and returns are those of the kernel stack that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The kernel begins to run, because of this.
    Enter(Way),
    /// A function begins: its place in [`Trace::functions`].
    Call(u32),
    /// A function goes on that began before the stretch did: its place in [`Trace::functions`].
    Resume(u32),
    /// The function that began last, and has not ended, ends.
    Return,
    /// Another kernel stack is in use from here on: its number, from 0 in the order in which they were first seen. With it another thread runs.
    Stack(u32),
    /// The kernel goes back to user mode.
    Leave,
}

/// Why the kernel begins to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The machine has been switched on.
    Boot,
    /// A program makes the system call with this number.
    SystemCall(u64),
    /// A program touches this address, and the processor says with this error code why it may not.
    PageFault {
        /// The address.
        address: u64,
        /// The error code, as the processor's manual defines it.
        error_code: u64,
    },
    /// Another exception, or an interrupt.
    Trap,
}
