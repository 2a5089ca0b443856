//! A scenario's operations, without its checks.

use std::path::Path;

use super::driver::LinuxDriver;
use super::error::ReferenceError;
use crate::perform::{Claim, Performer};
use crate::scenario::{Operation, OperationStep, Scenario, Step};

/// What Linux answered in one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepClaims {
    /// Number of the step, from 1.
    pub step: usize,
    /// The answers, as [`Performer::take_claims`] gives them.
    pub claims: Vec<Claim>,
}

/// Programs that have nothing to show where their calls or their device are missing, and those that would change the kernel that
/// they run on, or tell what is in it: nobody asks that of this Linux.
const FOR_THE_GUEST_ALONE: [&str; 11] = [
    "fail-nth",
    "inspection",
    "shadowpt-errors",
    "shadowpt-races",
    "testdev",
    "insmod",
    "lsmod",
    "rmmod",
    "bad-modules",
    "module-cycles",
    "module-no-memory",
];

/// Whether this Linux can be asked to perform a step: it has a call for it, and, to become another user, the right to; and
/// nothing becomes of the kernel.
#[must_use]
pub fn is_replayed(step: &OperationStep) -> bool {
    match &step.operation {
        Operation::FailNth { .. }
        | Operation::ShadowptOpen { .. }
        | Operation::ShadowptClose
        | Operation::ShadowptStart
        | Operation::ShadowptStop
        | Operation::ShadowptPageContents { .. } => false,
        Operation::Setuid { .. } => rustix::process::geteuid().is_root(),
        Operation::Exec { program, .. } => !FOR_THE_GUEST_ALONE.contains(&program.as_str()),
        _ => true,
    }
}

/// Has Linux perform every operation of a scenario that it can, expected or not what it answers.
pub fn replay(agent_elf: &Path, scenario: &Scenario) -> Result<Vec<StepClaims>, ReferenceError> {
    let mut performer = Performer::new(LinuxDriver::spawn(agent_elf)?);
    performer.begin(scenario.first_process())?;
    performer.take_claims();
    let mut answered = Vec::new();
    for (step, number) in scenario.steps.iter().zip(1..) {
        match step {
            Step::Operation(operation) if !is_replayed(operation) => {}
            Step::Operation(operation) => {
                performer.step(operation)?;
                answered.push(StepClaims {
                    step: number,
                    claims: performer.take_claims(),
                });
            }
            Step::Tick(tick) => {
                performer.tick(tick.count)?;
            }
            Step::Check(_) | Step::Fail(_) => {}
        }
    }
    Ok(answered)
}
