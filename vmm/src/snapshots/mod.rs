//! What all of a guest's memory was like after each step of a run, in a file: for those who look at it afterwards ([`crate::look`]).
//!
//! - [`Keeper`]: the run's side. It writes, for each line of the report, the frames that hold something else than before.
//! - [`Snapshots`]: the reader's side, which goes from one line to another.
//!
//! The file is a sequence of snapshots, each of which is the length of its head in bytes (four of them, little endian), the head as JSON
//! ([`Head`]), and the contents of the frames that the head lists, in its order. Memory holds zeros before the first one. The file is made and
//! read by the same version of the same program; it goes away with the run's other files.
//!
//! A worker with a hostile guest writes the file, so the reader takes nothing in it for granted.

mod read;
mod write;

use serde::{Deserialize, Serialize};

use crate::address::FrameNumber;
use crate::view::{NamedMemory, SystemRegisters};

pub use read::{Snapshots, SnapshotsError};
pub use write::Keeper;

/// Name of the file in the folder of a run.
pub(crate) const FILE_NAME: &str = "snapshots";

/// What there was at one moment, and which frames hold something else than at the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// The line of the report after which it was, from 0.
    line: usize,
    /// Bytes of guest memory.
    memory_len_bytes: u64,
    registers: SystemRegisters,
    named: NamedMemory,
    /// The frames whose contents follow, ascending.
    frames: Vec<FrameNumber>,
}

#[cfg(test)]
mod tests;
