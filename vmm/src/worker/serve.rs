//! The worker's side: jobs from standard input, a line each, and a line for each to standard output.
//!
//! A worker has one guest. Where the runs of several scenarios may fork from one that has booted, it boots it once, and stays; its own process
//! runs nothing after that.

use std::io::{self, BufRead, Write};

use nix::sys::signal::{Signal as Killer, raise};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::confine::{Allowed, confine};
use super::job::{Answer, Confinement, Fault, Job, Reply};
use crate::debugger::{DebuggerError, Session};
use crate::guest::{Exploring, Guest};
use crate::report::Report;
use crate::run::{Onlookers, Template};
use crate::scenario::Scenario;
use crate::snapshots::Keeper;
use crate::vm::VmError;

/// Bytes of memory that the steps of a scenario change, where all of it is kept.
const MOST_CHANGED_BYTES: u64 = 1 << 30;

/// How many jobs a worker is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jobs {
    /// One.
    One,
    /// As many as come.
    Several,
}

/// Serves jobs until there are no more, or until one needs a worker of its own.
///
/// # Errors
/// Standard input holds no job, or an answer cannot be written.
pub fn serve(jobs: Jobs) -> io::Result<()> {
    // A worker must not outlive whoever waits for it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut lines = io::stdin().lock().lines();
    let first = lines
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "there is no job"))??;
    let first: Job = serde_json::from_str(&first)?;
    match run(&first, jobs, &mut lines) {
        Ok(()) => Ok(()),
        Err(NoMore::Answer(answer)) => reply(&Reply::Last(answer)),
        Err(NoMore::Failed(error)) => Err(error),
    }
}

/// Why a worker ends before its jobs do.
enum NoMore {
    /// Nothing can be run for the job, or nothing after it.
    Answer(Answer),
    /// Nobody can be answered.
    Failed(io::Error),
}

impl From<io::Error> for NoMore {
    fn from(error: io::Error) -> NoMore {
        NoMore::Failed(error)
    }
}

/// Serves the first job and those that come after it.
fn run(first: &Job, jobs: Jobs, more: &mut impl Iterator<Item = io::Result<String>>) -> Result<(), NoMore> {
    let (scenario, slow) = scenario_of(first).map_err(NoMore::Answer)?;
    let guest = guest_of(first, slow).map_err(NoMore::Answer)?;
    let host = |error: &dyn std::error::Error| NoMore::Answer(Answer::no_run(Fault::Host, error));
    let kvm = crate::vm::open().map_err(|error| host(&error))?;
    // Before it confines itself: nothing of a stranger's has run yet.
    let debugger = debugger_of(first, &guest, &scenario)
        .map_err(|error| NoMore::Answer(Answer::no_run(Fault::Input, &error)))?;
    let kept_bytes = first.record.snapshots.then(|| most_kept_bytes(&guest, &scenario));
    let keeper = kept_bytes
        .map(|bytes| Keeper::create(&first.scratch, bytes))
        .transpose()?;
    let onlookers = Onlookers { debugger, keeper };
    let may_fork = jobs == Jobs::Several
        && guest.exploring == Exploring::Branching
        && onlookers.is_empty()
        && Template::is_for(&guest, &scenario);
    let allowed = Allowed::for_run(&guest, &scenario, &first.scratch);
    let allowed = if may_fork {
        allowed.with_branches()
    } else {
        allowed
    };
    let allowed = if onlookers.debugger.is_some() {
        allowed.as_long_as_it_takes()
    } else {
        allowed
    };
    let allowed = match kept_bytes {
        Some(bytes) => allowed.with_a_file_of(bytes),
        None => allowed,
    };
    match first.confinement {
        Confinement::Confined => confine(&allowed).map_err(|error| host(&error))?,
        Confinement::Unconfined => {}
    }
    if !may_fork {
        let report = crate::run::run_with(&onlookers, &kvm, &guest, &scenario);
        return Err(NoMore::Answer(answer(first, report)));
    }
    let mut template = match Template::boot(&kvm, &guest, &scenario) {
        Ok(template) => template,
        Err(error) => return Err(NoMore::Answer(failed(&error))),
    };
    let report = template.run(&scenario);
    if !template.can_fork() {
        return Err(NoMore::Answer(answer(first, report)));
    }
    reply(&Reply::Next(answer(first, report)))?;
    for line in more {
        let job: Job = serde_json::from_str(&line?).map_err(io::Error::from)?;
        let told = match scenario_of(&job) {
            Ok((scenario, slow))
                if job.has_guest_of(first) && slow == guest.slow && template.fits(&scenario) =>
            {
                Reply::Next(answer(&job, template.run(&scenario)))
            }
            Ok(_) => Reply::Unfit,
            Err(answer) => Reply::Next(answer),
        };
        reply(&told)?;
    }
    Ok(())
}

/// The scenario of a job, with the budget that it has, and how many times longer than usual the host may take for it.
fn scenario_of(job: &Job) -> Result<(Scenario, u32), Answer> {
    let mut scenario = Scenario::parse(&job.file, &job.scenario, &job.image.programs)
        .map_err(|error| Answer::no_run(Fault::Input, &error))?;
    let (budget, longer) = job.limits.bound(&scenario.budget);
    scenario.budget = budget;
    Ok((scenario, job.slow.saturating_mul(longer)))
}

fn guest_of(job: &Job, slow: u32) -> Result<Guest, Answer> {
    let guest = Guest::new(job.description.clone(), &job.image, &job.options)
        .map_err(|error| Answer::no_run(Fault::Input, &error))?;
    Ok(guest
        .on_a_slow_host(slow)
        .with_contents_drawn_by(job.seed)
        .recording(job.record)
        .exploring(job.exploring))
}

/// The debugger that the job is to have.
fn debugger_of(job: &Job, guest: &Guest, scenario: &Scenario) -> Result<Option<Session>, DebuggerError> {
    let wait = |place| Session::wait(place, &guest.kernel, scenario.steps.len());
    job.debugger.as_ref().map(wait).transpose()
}

/// How long the file may become in which all of memory is kept: all of it, some times, and what steps change.
fn most_kept_bytes(guest: &Guest, scenario: &Scenario) -> u64 {
    4 * (guest.memory_mib(scenario) << 20) + MOST_CHANGED_BYTES
}

fn answer(job: &Job, report: Result<Report, VmError>) -> Answer {
    match report {
        Ok(mut report) => {
            report.require(&job.require);
            Answer::Report(Box::new(report))
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &VmError) -> Answer {
    let fault = match error {
        VmError::Load(_) | VmError::Text(_) | VmError::NoFunction { .. } => Fault::Input,
        VmError::BranchKilled { signal } => {
            // Whoever waits learns how, as if the run had been in this process.
            let killed = Killer::try_from(*signal).and_then(raise);
            debug_assert!(killed.is_ok(), "the signal is one that kills");
            Fault::Host
        }
        VmError::Kvm { .. }
        | VmError::Memory { .. }
        | VmError::Hosts(_)
        | VmError::Watchdog(_)
        | VmError::Branch(_)
        | VmError::Snapshots(_)
        | VmError::Probe(_) => Fault::Host,
    };
    Answer::no_run(fault, error)
}

fn reply(reply: &Reply) -> io::Result<()> {
    // In one piece: whoever waits for it wakes once.
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
