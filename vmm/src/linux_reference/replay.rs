//! A scenario's operations, without its checks.

use std::collections::BTreeSet;
use std::path::Path;

use super::driver::LinuxDriver;
use super::error::ReferenceError;
use crate::perform::{Claim, Performer};
use crate::scenario::{Expected, Operation, OperationStep, Place, Scenario, Step};

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
const FOR_THE_GUEST_ALONE: &[&str] = &[
    "fail-nth",
    "inspection",
    "shadowpt-errors",
    "shadowpt-races",
    "testdev",
    "uffd-shadow",
    "mremap-shadow",
    "insmod",
    "lsmod",
    "rmmod",
    "bad-modules",
    "module-cycles",
    "module-no-memory",
    "module-errors",
    "mmap-test",
    "proc-mmap-test",
    "test-jit",
    "jit-race",
    "jit-waits",
    "proc-mmap-areas",
    "stale-protection",
];

/// Lowest address that anybody may map (`vm.mmap_min_addr`), where it is highest.
const LOWEST: u64 = 0x1_0000;

/// Numbers of the steps of a scenario that this Linux performs, from 1. From a step on that maps a device there are none: the device
/// is a module's, and what follows depends on it.
#[must_use]
pub fn replayed_steps(scenario: &Scenario) -> BTreeSet<usize> {
    let maps_device = |step: &OperationStep| match &step.operation {
        Operation::Mmap { file: Some(file), .. } => file.starts_with("/dev/") || file.starts_with("/proc/"),
        _ => false,
    };
    let steps = scenario.steps.iter().zip(1..);
    steps
        .take_while(|(step, _)| !matches!(step, Step::Operation(operation) if maps_device(operation)))
        .filter(|(step, _)| matches!(step, Step::Operation(operation) if is_replayed(operation)))
        .map(|(_, number)| number)
        .collect()
}

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
        // The first pages are the superuser's to map.
        Operation::Mmap {
            at: Some(Place::Raw(0..LOWEST)),
            ..
        } if step.expected == Expected::Success => rustix::process::geteuid().is_root(),
        // Whoever is behind this Linux's own socket device has not asked to be talked to.
        Operation::Exec { program, args, .. } => {
            !FOR_THE_GUEST_ALONE.contains(&program.as_str())
                && !args.iter().any(|word| word.starts_with("vsock:"))
        }
        _ => true,
    }
}

/// Has Linux perform every operation of a scenario that it can, expected or not what it answers.
pub fn replay(agent_elf: &Path, scenario: &Scenario) -> Result<Vec<StepClaims>, ReferenceError> {
    let mut performer = Performer::new(LinuxDriver::spawn(agent_elf)?);
    performer.begin(scenario.first_process())?;
    performer.take_claims();
    let replayed = replayed_steps(scenario);
    let mut answered = Vec::new();
    for (step, number) in scenario.steps.iter().zip(1..) {
        match step {
            Step::Operation(_) if !replayed.contains(&number) => {}
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
