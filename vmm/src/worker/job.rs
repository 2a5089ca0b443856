//! What a worker is asked, and what it answers, as JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::guest::{Description, Exploring, Record};
use crate::image::GuestImage;
use crate::printable::{self, Printable};
use crate::promise::Promise;
use crate::report::Report;
use crate::scenario::Budget;

/// Whether a worker gives up what it does not need before it runs its guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confinement {
    /// It does.
    #[default]
    Confined,
    /// It does not: for hosts whose kernel has no Landlock, and guests that are trusted.
    Unconfined,
}

/// What a guest may use at most, whatever its scenario gives it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Seconds of processor time.
    pub seconds: Option<u64>,
    /// Exits to the VMM.
    pub exits: Option<u64>,
}

/// One scenario to run on one guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Where the scenario's text is from, for messages.
    pub file: String,
    /// The scenario's text.
    pub scenario: String,
    /// The guest's files.
    pub image: GuestImage,
    /// What is known of its kernel.
    pub description: Description,
    /// Words for its command line.
    pub options: Vec<String>,
    /// Reports that make it an error when a rule is not judged without them.
    pub require: Vec<Promise>,
    /// What the guest may use at most.
    pub limits: RunLimits,
    /// How many times longer than usual the host may take.
    pub slow: u32,
    /// What is recorded of the run.
    pub record: Record,
    /// How schedules are explored.
    pub exploring: Exploring,
    /// By what the contents of the scenario are drawn, if they are.
    pub seed: Option<u64>,
    /// Where the sockets of servers may be made that are started for the run.
    pub scratch: PathBuf,
    /// Whether the worker confines itself.
    pub confinement: Confinement,
}

/// Why a run could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The scenario or the image cannot be used.
    Input,
    /// The host refuses.
    Host,
}

/// What a worker answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The run was made.
    Report(Box<Report>),
    /// It was not.
    NoRun {
        /// Who is to mend something.
        fault: Fault,
        /// What is wrong, and after it each reason for the one before.
        because: Vec<Printable>,
    },
}

impl RunLimits {
    /// A budget that is within the limits.
    #[must_use]
    pub fn bound(self, budget: Budget) -> Budget {
        Budget {
            seconds: budget.seconds.min(self.seconds.unwrap_or(u64::MAX)),
            exits: budget.exits.min(self.exits.unwrap_or(u64::MAX)),
            ..budget
        }
    }
}

impl Answer {
    /// The answer that an error is.
    pub(super) fn no_run(fault: Fault, error: &dyn std::error::Error) -> Answer {
        let because = printable::causes(error);
        Answer::NoRun { fault, because }
    }
}
