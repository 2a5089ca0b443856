//! What a kernel did while a step ran, function by function: seen from outside, by steps of the processor, and not told by the guest.
//!
//! A [`Trace`] is a list of [`TraceEvent`]s in the order in which they happened. Time is counted in instructions of kernel mode, so it is the
//! same in each run, however busy the host is. Views are made of it:
//!
//! - [`profile`]: adds up where instructions went
//! - [`tree`]: what happened, below each other
//! - [`nested`]: the same as trees, for those who draw them
//! - [`perfetto`]: the format of viewers of traces

pub mod nested;
pub mod perfetto;
pub mod profile;
pub mod tree;
mod under_way;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printable::Printable;

/// The name of a function that has none that is known, such as one of a module, or one that was made while the kernel ran.
pub const UNKNOWN: &str = "?";

/// What a kernel did in a stretch of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// What the scenario calls it, if it asked for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<Printable>,
    /// Names of the functions that events mention.
    pub functions: Vec<Printable>,
    /// Where in its source each of them is, as `FILE:LINE`, empty where that is not known; none at all where nobody wants to know.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub places: Vec<Printable>,
    /// What happened, in order.
    pub events: Vec<TraceEvent>,
    /// What changed, as events mention it.
    #[serde(default)]
    pub changes: Vec<Change>,
    /// The process of each kernel stack that events mention, by number.
    #[serde(default)]
    pub threads: Vec<Printable>,
    /// Instructions of kernel mode in the stretch.
    pub instructions: u64,
    /// Whether the stretch went on after the last event, which is so when it had too many.
    #[serde(default)]
    pub is_cut: bool,
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceEvent {
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
    Enter(WayIn),
    /// A function begins: its place in [`Trace::functions`].
    Call(u32),
    /// A function goes on that began before the stretch did: its place in [`Trace::functions`].
    Resume(u32),
    /// Instructions of a function begin that the compiler has put into the one that is under way: its place in [`Trace::functions`].
    Inline(u32),
    /// The function that began last, and has not ended, ends.
    Return,
    /// Another kernel stack is in use from here on: its number, from 0 in the order in which they were first seen. With it another thread runs.
    Stack(u32),
    /// The kernel goes back to user mode.
    Leave,
    /// An instruction changed something that matters to memory: its place in [`Trace::changes`].
    Change(u32),
}

/// What an instruction of the kernel's changed, found by comparing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// An entry of a page table.
    Entry {
        /// The process whose table it is, or `kernel`.
        of: Printable,
        /// The level of the table, 1 for entries that map pages.
        level: u8,
        /// The page, or the first one, that the entry is for.
        page: Printable,
        /// What the entry said.
        was: Printable,
        /// What it says.
        is: Printable,
    },
    /// The page table in use: CR3 has that of this process, or `kernel`.
    Root {
        /// The process.
        of: Printable,
    },
    /// The contents of a frame that a program maps, for the first time in the stretch.
    Frame {
        /// The frame.
        frame: Printable,
        /// Who maps it, and where.
        mapped: Printable,
    },
}

/// Why the kernel begins to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayIn {
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

impl Trace {
    /// The name of a function.
    #[must_use]
    pub fn function(&self, number: u32) -> &str {
        numbered(&self.functions, number).map_or(UNKNOWN, Printable::as_str)
    }

    /// Where in its source a function is; empty where that is not known.
    #[must_use]
    pub fn place(&self, number: u32) -> &str {
        numbered(&self.places, number).map_or("", Printable::as_str)
    }

    /// The process whose kernel stack this is.
    #[must_use]
    pub fn thread(&self, number: u32) -> &str {
        numbered(&self.threads, number).map_or(UNKNOWN, Printable::as_str)
    }

    /// What changed.
    #[must_use]
    pub fn change(&self, number: u32) -> Option<&Change> {
        numbered(&self.changes, number)
    }
}

/// How a function is named that the compiler has put into another one.
fn inlined(name: &str) -> String {
    format!("{name} (inlined)")
}

fn numbered<T>(list: &[T], number: u32) -> Option<&T> {
    list.get(usize::try_from(number).ok()?)
}

impl fmt::Display for WayIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            WayIn::Boot => f.write_str("boot"),
            WayIn::SystemCall(number) => write!(f, "system call {number}"),
            WayIn::PageFault { address, error_code } => {
                // Bits of the error code: present, written, in user mode, a fetch.
                let access = match (error_code >> 4 & 1, error_code >> 1 & 1) {
                    (1, _) => "fetch",
                    (_, 1) => "write",
                    _ => "read",
                };
                let why = if error_code & 1 == 1 {
                    "not allowed"
                } else {
                    "not present"
                };
                write!(f, "page fault: {access} at {address:#x}, {why}")
            }
            WayIn::Trap => f.write_str("exception or interrupt"),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Entry {
                of,
                level,
                page,
                was,
                is,
            } => {
                write!(f, "entry of {of}:{page} at level {level}: {was} -> {is}")
            }
            Change::Root { of } => write!(f, "CR3: the page table of {of}"),
            Change::Frame { frame, mapped } => write!(f, "{frame} ({mapped}) is written"),
        }
    }
}
