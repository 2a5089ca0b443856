//! The worker's side: a job from standard input, an answer to standard output.

use std::io::{self, Read, Write};

use rustix::process::{Signal, set_parent_process_death_signal};

use super::confine::{Allowed, confine};
use super::job::{Answer, Confinement, Fault, Job};
use crate::guest::Guest;
use crate::scenario::Scenario;
use crate::vm::VmError;

/// Serves one job.
///
/// # Errors
/// Standard input holds no job, or the answer cannot be written.
pub fn serve() -> io::Result<()> {
    // A worker must not outlive whoever waits for it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let job: Job = serde_json::from_str(&text)?;
    let answer = run(&job).unwrap_or_else(|answer| answer);
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    out.flush()
}

fn run(job: &Job) -> Result<Answer, Answer> {
    let input = |error: &dyn std::error::Error| Answer::no_run(Fault::Input, error);
    let host = |error: &dyn std::error::Error| Answer::no_run(Fault::Host, error);
    let mut scenario =
        Scenario::parse(&job.file, &job.scenario, &job.image.programs).map_err(|error| input(&error))?;
    let (budget, longer) = job.limits.bound(&scenario.budget);
    scenario.budget = budget;
    let guest = Guest::new(job.description.clone(), &job.image, &job.options)
        .map_err(|error| input(&error))?
        .on_a_slow_host(job.slow.saturating_mul(longer))
        .with_contents_drawn_by(job.seed)
        .recording(job.record)
        .exploring(job.exploring);
    let kvm = crate::vm::open().map_err(|error| host(&error))?;
    match job.confinement {
        Confinement::Confined => {
            confine(&Allowed::for_run(&guest, &scenario, &job.scratch)).map_err(|error| host(&error))?;
        }
        Confinement::Unconfined => {}
    }
    let mut report = crate::run::run(&kvm, &guest, &scenario).map_err(|error| match error {
        VmError::Load(_) | VmError::Text(_) => input(&error),
        VmError::Kvm { .. }
        | VmError::Memory { .. }
        | VmError::Hosts(_)
        | VmError::Watchdog(_)
        | VmError::Line(_)
        | VmError::Branch(_)
        | VmError::Probe(_) => host(&error),
    })?;
    report.require(&job.require);
    Ok(Answer::Report(Box::new(report)))
}
