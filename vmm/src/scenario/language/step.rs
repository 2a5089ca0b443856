//! One line of a scenario's script.

use super::expectation::Expectation;
use super::name::ProcessName;
use super::operation::Operation;
use super::outcome::{Expected, Return};

/// One step of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A process does something.
    Operation(OperationStep),
    /// Everything stands still, and the state of memory and processes is judged.
    Check(CheckStep),
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

/// The state of memory and processes is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckStep {
    /// What is shown by it, for the report.
    pub title: String,
    /// At least one.
    pub expect: Vec<Expectation>,
}
