//! Why the clauses of several scenarios make no catalogue.

use std::fmt;
use std::path::PathBuf;

use crate::scenario::ClauseId;

/// Something that is wrong with the clauses of several scenarios.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClauseProblem {
    /// A clause says one thing here and another there.
    #[error("`{id}` says two things\n{first}: {first_text:?}\n{second}: {second_text:?}")]
    Contradiction {
        /// The clause.
        id: ClauseId,
        /// Where it stands first.
        first: Place,
        /// What it says there.
        first_text: String,
        /// Where it says something else.
        second: Place,
        /// What it says there.
        second_text: String,
    },
    /// A family leaves numbers out.
    #[error("{} missing: no step shows {}, and there is `{family}-{}`",
        list(.family, *.first, *.last), if first == last { "it" } else { "them" }, last + 1)]
    Gap {
        /// The family.
        family: String,
        /// Lowest of the numbers.
        first: u16,
        /// Highest of them.
        last: u16,
    },
}

fn list(family: &str, first: u16, last: u16) -> String {
    if first == last {
        format!("`{family}-{first}` is")
    } else {
        format!("`{family}-{first}` to `{family}-{last}` are")
    }
}

/// Where a step begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The scenario's file.
    pub file: PathBuf,
    /// Line of the file, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file.display(), self.line)
    }
}

/// A family that no clause belongs to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no clause of the family `{found}`: expected one of {}", .known.join(", "))]
pub struct UnknownFamily {
    /// What was asked for.
    pub found: String,
    /// The families that there are.
    pub known: Vec<String>,
}
