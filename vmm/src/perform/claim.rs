//! What an agent answered, in the form in which two kernels can be compared.

use std::fmt;

use abi::linux::pagemap::{ENTRY_BYTES, PRESENT, SWAPPED};
use abi::operation::{BRK, COPY_FROM_USER, FORK, MEM_READ, MMAP, MMAP_FILE, PAGEMAP, READ};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{errno_text, failure};
use crate::channel::Reply;
use crate::drive::Outcome;
use crate::finding::{excerpt, quoted, status_text};
use crate::printable::Printable;

/// What an operation gave, as far as every kernel should say the same: addresses and process ids are left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// It succeeded, and what it returned is the kernel's choice.
    Done,
    /// It succeeded and returned this.
    Returned(i64),
    /// It was refused with this error number.
    Refused(i32),
    /// These bytes were in memory.
    Loaded(Vec<u8>),
    /// Where pages are, of each whether it is in memory and whether it is on a swap device.
    Told(Vec<(bool, bool)>),
    /// A wait took the status of this process or member of a group.
    Waited {
        /// The scenario's name for the process or its group.
        child: String,
        /// The wait status.
        status: u32,
    },
    /// This process is the parent.
    Parent(String),
    /// A wait found that no child has ended.
    NoneEnded,
    /// A program ran to its end.
    Ran {
        /// Its wait status.
        status: u32,
        /// What it printed.
        output: Vec<u8>,
    },
    /// The process that should have answered ended, with this wait status.
    Ended(u32),
    /// No answer: the call waits, or nobody is left to answer.
    Silent,
    /// The whole guest ended.
    GuestEnded,
    /// There was no room for another process, so the kernel was not asked.
    NotAsked,
    /// The run had claimed too much before: nothing is known of this one, and it is like no other.
    LeftOut,
}

impl Claim {
    /// The claim in what came of an operation that neither waits for a child nor runs a program. `code` and `arguments` are
    /// the operation's.
    pub(super) fn of(code: u64, arguments: &[u64], outcome: &Outcome) -> Claim {
        Claim::with(outcome, |reply| match (code, arguments) {
            (MMAP | MMAP_FILE | BRK | FORK, _) => Claim::Done,
            // Data arrive in whole words.
            (READ, [_, len_bytes, ..]) => {
                Claim::Loaded(reply.data.iter().copied().take(*len_bytes as usize).collect())
            }
            // The kernel says how many they are.
            (COPY_FROM_USER | MEM_READ, _) => {
                let moved = usize::try_from(reply.result).unwrap_or(0);
                Claim::Loaded(reply.data.iter().copied().take(moved).collect())
            }
            (PAGEMAP, _) => Claim::Told(
                words(reply)
                    .map(|word| (word & PRESENT != 0, word & SWAPPED != 0))
                    .collect(),
            ),
            _ => Claim::Returned(reply.result),
        })
    }

    /// The claim in what came of a wait; `who` names processes.
    pub(super) fn of_wait(outcome: &Outcome, who: impl FnOnce(i64) -> Option<String>) -> Claim {
        Claim::with(outcome, |reply| match who(reply.result) {
            None => Claim::NoneEnded,
            Some(child) => Claim::Waited {
                child,
                status: reply.value as u32,
            },
        })
    }

    /// The claim in the answer to who the parent is.
    pub(super) fn of_parent(outcome: &Outcome, name: &str) -> Claim {
        Claim::with(outcome, |_| Claim::Parent(name.to_owned()))
    }

    /// The claim in what came of a program that printed `output`.
    pub(super) fn of_program(outcome: &Outcome, output: &[u8]) -> Claim {
        Claim::with(outcome, |reply| Claim::Ran {
            status: reply.value as u32,
            output: output.to_vec(),
        })
    }

    /// The claim in words, long contents from the first byte on in which `other` differs.
    #[must_use]
    pub fn beside(&self, other: &Claim) -> String {
        match (self, other) {
            (Claim::Loaded(bytes), Claim::Loaded(others)) => format!("loaded {}", excerpt(bytes, others)),
            _ => self.to_string(),
        }
    }

    /// Bytes that it holds.
    pub(super) fn size_bytes(&self) -> usize {
        let beside = match self {
            Claim::Loaded(bytes) | Claim::Ran { output: bytes, .. } => bytes.len(),
            Claim::Told(pages) => size_of_val(pages.as_slice()),
            Claim::Waited { child: name, .. } | Claim::Parent(name) => name.len(),
            Claim::Done
            | Claim::Returned(_)
            | Claim::Refused(_)
            | Claim::NoneEnded
            | Claim::Ended(_)
            | Claim::Silent
            | Claim::GuestEnded
            | Claim::NotAsked
            | Claim::LeftOut => 0,
        };
        size_of::<Claim>() + beside
    }

    fn with(outcome: &Outcome, success: impl FnOnce(&Reply) -> Claim) -> Claim {
        match outcome {
            Outcome::Replied(reply) => match failure(reply) {
                Some(number) => Claim::Refused(number),
                None => success(reply),
            },
            Outcome::Ended(status) => Claim::Ended(*status),
            Outcome::Silent => Claim::Silent,
            Outcome::GuestEnded => Claim::GuestEnded,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Claim::Done => formatter.write_str("done"),
            Claim::Returned(value) => write!(formatter, "returned {value}"),
            Claim::Refused(number) => write!(formatter, "refused with {}", errno_text(*number)),
            Claim::Loaded(bytes) => write!(formatter, "loaded {}", excerpt(bytes, bytes)),
            Claim::Told(pages) => {
                formatter.write_str("told")?;
                pages.iter().try_for_each(|page| {
                    formatter.write_str(match page {
                        (false, false) => " none",
                        (true, false) => " present",
                        (false, true) => " swapped",
                        (true, true) => " present-and-swapped",
                    })
                })
            }
            Claim::Waited { child, status } => write!(formatter, "{child} {}", status_text(*status)),
            Claim::Parent(name) => write!(formatter, "the parent is {name}"),
            Claim::NoneEnded => formatter.write_str("no child has ended"),
            Claim::Ran { status, output } => {
                write!(
                    formatter,
                    "{}, printed {}",
                    status_text(*status),
                    quoted(&Printable::from_bytes(output))
                )
            }
            Claim::Ended(status) => write!(formatter, "the process {}", status_text(*status)),
            Claim::Silent => formatter.write_str("no answer"),
            Claim::GuestEnded => formatter.write_str("the guest ended"),
            Claim::LeftOut => formatter.write_str("left out: too much was claimed before"),
            Claim::NotAsked => formatter.write_str("not asked: no room for another process"),
        }
    }
}

/// The words in an answer to [`PAGEMAP`].
pub(super) fn words(reply: &Reply) -> impl Iterator<Item = u64> {
    let (words, _) = reply.data.as_chunks::<{ ENTRY_BYTES as usize }>();
    words.iter().map(|word| u64::from_le_bytes(*word))
}
