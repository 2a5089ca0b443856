//! What a worker is asked, and what it answers, as JSON.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::debugger::Place;
use crate::guest::{Description, Exploring, Record};
use crate::image::GuestImage;
use crate::printable::{self, Printable};
use crate::promise::Promise;
use crate::report::Report;
use crate::scenario::{Budget, Scenario, Schedule};

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
    /// How long the worker may take for its answer, in real time. When it is over, the harness or the host is to blame.
    pub patience: Duration,
    /// Where the sockets of servers may be made that are started for the run.
    pub scratch: PathBuf,
    /// Whether the worker confines itself.
    pub confinement: Confinement,
    /// Where it waits for a debugger before the guest runs, if it does.
    pub debugger: Option<Place>,
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

/// What a worker says to a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    /// It is done, and the worker ends.
    Last(Answer),
    /// It is done, and the worker waits for another one with the same guest.
    Next(Answer),
    /// It needs another guest than the one that the worker has.
    Unfit,
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

/// How many times longer than its processor time a worker may take on a host that is busy, and the seconds that any may.
const BUSY_FACTOR: u32 = 100;
const LEAST_PATIENCE: Duration = Duration::from_secs(3600);
/// How long an exploration may take, which runs its scenario once for each schedule.
const EXPLORING_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How long whoever waits for a run should wait when nobody says it: so long that no run comes to it that goes on at all.
#[must_use]
pub fn patience(scenario: &Scenario, description: &Description, slow: u32) -> Duration {
    let usual = match &scenario.schedule {
        Some(Schedule::Explore(_)) => EXPLORING_PATIENCE,
        Some(Schedule::Choices(_)) | None => LEAST_PATIENCE,
    };
    let processor_time = Duration::from_secs(scenario.budget.seconds) * description.effort;
    usual.max(processor_time * BUSY_FACTOR) * slow
}

impl Job {
    /// Whether the other job is for the same guest with the same files, and told alike, so that a worker of one may do the other.
    pub(super) fn has_guest_of(&self, other: &Job) -> bool {
        // What is left out here is the job's own.
        let Job {
            file: _,
            scenario: _,
            require: _,
            patience: _,
            image,
            description,
            options,
            limits,
            slow,
            record,
            exploring,
            seed,
            scratch,
            confinement,
            debugger,
        } = self;
        (image, description, options, scratch)
            == (&other.image, &other.description, &other.options, &other.scratch)
            && (limits, slow, seed) == (&other.limits, &other.slow, &other.seed)
            && (record, exploring, confinement) == (&other.record, &other.exploring, &other.confinement)
            && *debugger == other.debugger
    }
}

impl RunLimits {
    /// A budget that is within the limits, and how many times longer the host is to be given for it, so that it has as long as before: a
    /// smaller budget makes no host faster.
    #[must_use]
    pub fn bound(self, budget: &Budget) -> (Budget, u32) {
        let seconds = budget.seconds.min(self.seconds.unwrap_or(u64::MAX)).max(1);
        let longer = budget.seconds.div_ceil(seconds).max(1);
        let bound = Budget {
            seconds,
            exits: budget.exits.min(self.exits.unwrap_or(u64::MAX)),
            // What servers are given for an answer is as much longer on a slow host.
            answer_ms: budget.answer_ms.div_ceil(longer),
        };
        (bound, u32::try_from(longer).unwrap_or(u32::MAX))
    }
}

impl Answer {
    /// The answer that an error is.
    pub(super) fn no_run(fault: Fault, error: &dyn std::error::Error) -> Answer {
        let because = printable::causes(error);
        Answer::NoRun { fault, because }
    }
}
