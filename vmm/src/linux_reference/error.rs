//! What can go wrong with the reference itself, as opposed to what its processes do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::channel::Channel;

/// The reference could not do its part; nothing is known about the program.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// A program did not start.
    #[error("cannot start {path}: {source}", path = path.display())]
    Launch {
        /// The program.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A system call of this side failed.
    #[error("cannot {action}: {source}")]
    System {
        /// What was to be done.
        action: &'static str,
        /// Why it was not.
        source: io::Error,
    },
    /// There is no such channel.
    #[error("{channel} does not exist: the reference has {channels}")]
    NoSuchChannel {
        /// The channel that was asked for.
        channel: Channel,
        /// How many there are.
        channels: u64,
    },
    /// An operation's payload is too long for one message.
    #[error("a payload has {len_bytes} bytes, but a message carries at most {max_bytes}")]
    PayloadTooLong {
        /// The payload's length.
        len_bytes: usize,
        /// The longest possible.
        max_bytes: u64,
    },
    /// An agent sent something that is no message.
    #[error("{channel} sent {len_bytes} bytes that are neither a hello nor a whole reply")]
    Malformed {
        /// Where it came from.
        channel: Channel,
        /// The packet's length.
        len_bytes: usize,
    },
    /// The first agent did not introduce itself.
    #[error("{path} is no agent: it did not introduce itself on channel 0", path = path.display())]
    NotAnAgent {
        /// The program.
        path: PathBuf,
    },
    /// An agent neither answered, nor ended, nor waits for a child.
    #[error("{channel} neither answers nor ends nor waits for a child")]
    NoAnswer {
        /// The agent's channel.
        channel: Channel,
    },
    /// `/proc` could not be read.
    #[error("cannot read about process {pid}: {source}")]
    Proc {
        /// The process.
        pid: u32,
        /// Why.
        source: procfs::ProcError,
    },
    /// A program ran longer than it may.
    #[error("{path} did not end within {timeout:?}", path = path.display())]
    ProgramTimedOut {
        /// The program.
        path: PathBuf,
        /// How long it had.
        timeout: Duration,
    },
}

impl ReferenceError {
    /// For `map_err` on the system calls of this side.
    pub(super) fn system<E: Into<io::Error>>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System {
            action,
            source: source.into(),
        }
    }
}
