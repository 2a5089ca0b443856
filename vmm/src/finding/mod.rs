//! What is not as it must be, and the words for it.

mod difference;
mod excerpt;

use abi::linux::process::{WAIT_EXIT_SHIFT, WAIT_SIGNAL_MASK, signal_name};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use difference::difference;
pub use excerpt::{excerpt, quoted};

use crate::printable::Printable;
use crate::rule::Rule;
use crate::scenario::{Clause, reported_clauses};

/// One thing that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The rule that was broken.
    pub rule: Rule,
    /// What it is about: a process, an address, a frame.
    pub place: Printable,
    /// What should be.
    pub expected: Printable,
    /// What is.
    pub found: Printable,
    /// Clauses of a specification that the step shows; known only when the run is reported.
    #[serde(skip_serializing_if = "Vec::is_empty", default, with = "reported_clauses")]
    #[schemars(with = "Vec<reported_clauses::Reported>")]
    pub clauses: Vec<Clause>,
}

impl Finding {
    /// A finding about `place`.
    pub fn new(
        rule: Rule,
        place: impl Into<Printable>,
        expected: impl Into<Printable>,
        found: impl Into<Printable>,
    ) -> Finding {
        Finding {
            rule,
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
            clauses: Vec::new(),
        }
    }

    /// What a check of `place` needs, and what there is instead: a finding against no guest.
    pub fn missing(
        place: impl Into<Printable>,
        needed: impl Into<Printable>,
        found: impl Into<Printable>,
    ) -> Finding {
        Finding::new(Rule::Evidence, place, needed, found)
    }
}

impl Finding {
    /// All of it but its clauses, in one line.
    #[must_use]
    pub fn on_one_line(&self) -> String {
        let Finding {
            place,
            rule,
            expected,
            found,
            ..
        } = self;
        format!("{place}: {rule}; expected {expected}; found {found}")
    }
}

/// A wait status in words.
#[must_use]
pub fn status_text(status: u32) -> String {
    match status & WAIT_SIGNAL_MASK {
        0 if status >> 16 == 0 => format!("exited with {}", status >> WAIT_EXIT_SHIFT),
        0 => format!("has the impossible wait status {status:#x}"),
        number => match signal_name(number) {
            Some(name) => format!("was ended by {name}"),
            None => format!("was ended by signal {number}"),
        },
    }
}
