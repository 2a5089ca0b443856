//! A whole scenario.

use std::collections::{BTreeMap, BTreeSet};

use abi::boot::{MAX_MEMORY_MIB, MIN_MEMORY_MIB};
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::draw::Drawn;
use super::clause::Clause;
use super::expectation::Expectation;
use super::functions::Functions;
use super::name::{ProcessName, ScenarioName, TraceName};
use super::schedule::Schedule;
use super::step::{OperationStep, Step};
use super::vsock::{ServerPlace, VsockPort};
use crate::offer::Offer;

/// A script of process operations and checks, valid as far as that can be known without running it.
///
/// **Invariant:** made by [`Scenario::parse`](crate::scenario::Scenario::parse) alone, so every name in it is defined
/// before its use, and every address lies in its region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Name, the same as the file's.
    pub name: ScenarioName,
    /// What the scenario shows, in a sentence.
    pub description: String,
    /// The machine that it runs on.
    pub guest: GuestOptions,
    /// What it may use up.
    pub budget: Budget,
    /// Who goes on at the kernel's reschedule points; None when the kernel decides.
    pub schedule: Option<Schedule>,
    /// What it calls functions of kernels.
    pub functions: Functions,
    /// Whether each run draws what the steps write and expect, and where.
    pub vary: bool,
    /// The steps with what was drawn, if anything was.
    pub drawn: Option<Drawn>,
    /// The script; at least one step, the first operation being the first process's.
    pub steps: Vec<Step>,
    /// Line of the file on which each step begins, from 1.
    pub step_lines: Vec<usize>,
    /// Clauses that each step shows.
    pub step_clauses: Vec<Vec<Clause>>,
    /// What the record of what the kernel does in each step is called, where there shall be one.
    pub step_traces: Vec<Option<TraceName>>,
}

impl Scenario {
    /// Numbers of the steps, from 1, of which a check wants to know what functions the kernel calls: all between it and the check before.
    #[must_use]
    pub fn followed(&self) -> BTreeSet<usize> {
        let mut followed = BTreeSet::new();
        let mut since = 1;
        for (number, step) in (1..).zip(&self.steps) {
            let Step::Check(check) = step else { continue };
            let is_call = |expectation: &Expectation| matches!(expectation, Expectation::Calls(_));
            if check.expect.iter().any(is_call) {
                followed.extend(since..number);
            }
            since = number + 1;
        }
        followed
    }

    /// What the record of a step is called, by the step's number, from 1; None where it wants none.
    #[must_use]
    pub fn trace_of(&self, number: usize) -> Option<&TraceName> {
        self.step_traces.get(number.checked_sub(1)?)?.as_ref()
    }

    /// Whether it runs once for each of several schedules.
    #[must_use]
    pub fn explores(&self) -> bool {
        matches!(self.schedule, Some(Schedule::Explore(_)))
    }

    /// Whether the kernel is followed in a step, for a check or for a record.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.step_traces.iter().any(Option::is_some) || !self.followed().is_empty()
    }

    /// The process that is there from the start.
    #[must_use]
    pub fn first_process(&self) -> &ProcessName {
        &self
            .first_operation()
            .expect("validation refuses a scenario without an operation")
            .process
    }

    /// The first operation that is not the guest's first program's, which is there anyway.
    pub(in crate::scenario) fn first_operation(&self) -> Option<&OperationStep> {
        self.steps.iter().find_map(|step| match step {
            Step::Operation(step) if !step.process.is_init() => Some(step),
            Step::Operation(_) | Step::Tick(_) | Step::Check(_) | Step::Fail(_) => None,
        })
    }
}

/// The machine that a scenario runs on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GuestOptions {
    /// Memory in MiB, 8 to 1024.
    #[schemars(range(min = MIN_MEMORY_MIB, max = MAX_MEMORY_MIB))]
    pub memory_mib: u64,
    /// How time passes.
    pub clock: Clock,
    /// Options for the kernel command line: each key and value as `key=value`, or as `key` alone where the value is empty.
    pub options: BTreeMap<String, String>,
    /// A disk that the kernel can swap to; without it there is none.
    #[schemars(with = "Swap")]
    pub swap: Option<Swap>,
    /// Where connections to the host lead, by port; to any other port they are refused. Without this there is no such device.
    pub vsock: BTreeMap<VsockPort, ServerPlace>,
    /// What the programs of the scenario use of what not every kernel has. What the rest of the scenario shows by itself need not be named.
    pub needs: BTreeSet<Offer>,
}

/// The disk that a guest swaps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    /// Size in MiB, 1 to 256.
    #[schemars(range(min = 1, max = Swap::MAX_MIB))]
    pub mib: u64,
}

impl Swap {
    /// Largest disk in MiB: all of it may come to lie in the host's memory.
    pub const MAX_MIB: u64 = 256;
}

impl Default for GuestOptions {
    fn default() -> Self {
        Self {
            memory_mib: 32,
            clock: Clock::default(),
            options: BTreeMap::new(),
            swap: None,
            vsock: BTreeMap::new(),
            needs: BTreeSet::new(),
        }
    }
}

/// How time passes for a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Clock {
    /// By ticks of 10 ms that the harness gives, so that every run is the same.
    #[default]
    Virtual,
    /// By itself: a timer interrupts whoever runs.
    Real,
}

/// What a scenario may use up before it is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Exits of the virtual processor to the VMM.
    #[schemars(range(min = 1, max = Budget::MAX_EXITS))]
    pub exits: u64,
    /// Seconds of processor time. With a real clock the guest may also halt for as long. How busy the host is does not count.
    #[schemars(range(min = 1, max = Budget::MAX_SECONDS))]
    pub seconds: u64,
    /// Milliseconds of real time that the guest's clock stands still for an answer of a server that the guest waits for. A
    /// warehouse needs none: it is known whether it is about to answer.
    #[schemars(range(min = 1, max = Budget::MAX_ANSWER_MS))]
    pub answer_ms: u64,
}

impl Budget {
    /// Most exits that a scenario may ask for.
    pub const MAX_EXITS: u64 = 100_000_000;
    /// Most seconds that a scenario may ask for.
    pub const MAX_SECONDS: u64 = 600;
    /// Longest wait for an answer that a scenario may ask for, in milliseconds.
    pub const MAX_ANSWER_MS: u64 = 60_000;
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            exits: 1_000_000,
            seconds: 10,
            answer_ms: 2000,
        }
    }
}
