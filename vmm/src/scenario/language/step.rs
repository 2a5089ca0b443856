//! One line of a scenario's script.

use schemars::JsonSchema;
use serde::Deserialize;

use super::expectation::Expectation;
use super::name::ProcessName;
use super::operation::Operation;
use super::outcome::{Expected, Return};

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A process does something.
    Operation(OperationStep),
    /// Time passes.
    Tick(TickStep),
    /// Everything stands still, and the state of memory and processes is judged.
    Check(CheckStep),
    /// A request to the disk is chosen to fail.
    Fail(FailStep),
}

impl Step {
    /// What is expected of the state, if the step is a check.
    #[must_use]
    pub fn expectations(&self) -> &[Expectation] {
        match self {
            Step::Check(check) => &check.expect,
            Step::Operation(_) | Step::Tick(_) | Step::Fail(_) => &[],
        }
    }
}

/// A process does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationStep {
    /// The process, or for `exit` a group of processes.
    pub process: ProcessName,
    /// What it does.
    pub operation: Operation,
    /// What should come of it.
    pub expected: Expected,
    /// When that should be known.
    pub returns: Return,
}

/// Time passes: ticks of the virtual clock, one at a time, while processes ask for their next operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TickStep {
    /// How many.
    #[serde(rename = "tick")]
    #[schemars(range(min = 1, max = TickStep::MAX_COUNT))]
    pub count: u64,
}

impl TickStep {
    /// Most ticks of one step.
    pub const MAX_COUNT: u64 = 1000;
}

/// The state of memory and processes is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStep {
    /// What is shown by it, for the report.
    pub title: String,
    /// At least one.
    pub expect: Vec<Expectation>,
}

/// A request to the disk that the guest swaps to is chosen to fail: once, with an I/O error, and without effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailStep {
    /// What it asks for.
    #[serde(rename = "fail")]
    pub request: DiskRequest,
    /// Which one of that kind from this step on, counted from 1.
    #[serde(default = "first")]
    #[schemars(range(min = 1))]
    pub nth: u64,
}

fn first() -> u64 {
    1
}

/// What a request to the disk asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskRequest {
    /// A page of the disk.
    Read,
    /// That the disk keep a page.
    Write,
}
