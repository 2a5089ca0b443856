//! What became of each process: which states it went through, how often and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Most processes that are remembered.
const MAX_PROCESSES: usize = 1 << 10;
/// Most kinds of steps that are remembered, of all processes together.
const MAX_STEPS: usize = 1 << 13;

/// Where a thread is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Not made yet.
    Nowhere,
    /// Could run.
    Runnable,
    /// Runs.
    Running,
    /// Waits for this: a name of [`abi::thread`].
    Sleeping(&'static str),
    /// Ended, and its process goes on.
    Ended,
    /// Ended, and its process with it.
    Zombie,
}

impl Place {
    pub(super) fn is_end(self) -> bool {
        matches!(self, Place::Ended | Place::Zombie)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Nowhere => formatter.write_str("not there"),
            Place::Runnable => formatter.write_str("runnable"),
            Place::Running => formatter.write_str("running"),
            Place::Sleeping(reason) => write!(formatter, "asleep on {}", reason.to_lowercase()),
            Place::Ended => formatter.write_str("ended"),
            Place::Zombie => formatter.write_str("zombie"),
        }
    }
}

/// A step from one place to another, for a reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// Where from.
    pub from: Place,
    /// Where to.
    pub to: Place,
    /// Why.
    pub cause: String,
}

/// What became of one process.
#[derive(Clone, Debug, Default)]
pub struct ProcessHistory {
    /// Its process id.
    pub pid: u32,
    /// Who made it; 0 for nobody.
    pub parent: u32,
    /// The steps that its threads took, in the order of their first time, and how often.
    pub steps: Vec<(Transition, u64)>,
    /// Where its threads were when a step had ended: with a clock that runs by itself, the rest is its doing.
    pub seen_in: BTreeSet<Place>,
    /// Who adopted it, if somebody did.
    pub adopted_by: Option<u32>,
    /// Who took its status, if somebody did.
    pub reaped_by: Option<u32>,
}

/// What became of all processes, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct History {
    processes: Vec<ProcessHistory>,
    /// The newest process of each number.
    newest: BTreeMap<u32, usize>,
    /// Kinds of steps, of all processes.
    steps: usize,
}

impl History {
    /// Every process, oldest first.
    #[must_use]
    pub fn processes(&self) -> &[ProcessHistory] {
        &self.processes
    }

    pub(super) fn begin(&mut self, pid: u32, parent: u32) {
        if self.processes.len() < MAX_PROCESSES {
            self.newest.insert(pid, self.processes.len());
            self.processes.push(ProcessHistory {
                pid,
                parent,
                ..ProcessHistory::default()
            });
        }
    }

    pub(super) fn step(&mut self, pid: u32, from: Place, to: Place, cause: &str) {
        let is_room = self.steps < MAX_STEPS;
        let Some(process) = self.newest(pid) else { return };
        let is_same =
            |(step, _): &(Transition, u64)| step.from == from && step.to == to && step.cause == cause;
        match process.steps.iter().position(is_same) {
            Some(index) => process.steps[index].1 += 1,
            None if is_room => {
                let cause = cause.to_owned();
                process.steps.push((Transition { from, to, cause }, 1));
                self.steps += 1;
            }
            None => {}
        }
    }

    pub(super) fn seen(&mut self, pid: u32, place: Place) {
        if let Some(process) = self.newest(pid) {
            process.seen_in.insert(place);
        }
    }

    pub(super) fn adopted(&mut self, pid: u32, parent: u32) {
        if let Some(process) = self.newest(pid) {
            process.adopted_by = Some(parent);
        }
    }

    pub(super) fn reaped(&mut self, pid: u32, parent: u32) {
        if let Some(process) = self.newest(pid) {
            process.reaped_by = Some(parent);
        }
    }

    fn newest(&mut self, pid: u32) -> Option<&mut ProcessHistory> {
        self.processes.get_mut(*self.newest.get(&pid)?)
    }
}
