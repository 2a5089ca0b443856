//! One run of one scenario, for commands that look into it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::slice;

use clap::Args;
use tempfile::TempDir;
use vmm::guest::{Exploring, Record};
use vmm::platform::{self, Choice};
use vmm::report::Report;
use vmm::scenario::Scenario;
use vmm::worker::pool::{Done, End, Observer};
use vmm::worker::{Confinement, Job, RunLimits, patience};

use super::guest::{GuestArgs, PlatformArgs};
use super::jobs::{pool_of, report_of};
use super::{Shown, Status, emulated, parse_all, show_as, show_failure};

/// What to run.
#[derive(Args)]
pub(super) struct SingleArgs {
    /// A scenario file.
    #[arg(value_name = "SCENARIO")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) runner: RunnerArgs,
}

/// On what to run it.
#[derive(Args)]
pub(super) struct RunnerArgs {
    #[command(flatten)]
    pub(super) guest: GuestArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Run the guest without walls around its worker: for a trusted guest, on a host whose kernel cannot confine a process.
    #[arg(long)]
    unconfined: bool,
}

/// What came of it.
pub(super) enum Ran<T> {
    /// The report, or one of each.
    Here(T),
    /// All of the command was done in an emulated machine.
    Elsewhere(Status),
}

impl SingleArgs {
    /// Runs the scenario once.
    pub(super) fn run(&self, record: Record) -> Result<Ran<Report>, Shown> {
        self.run_in(scratch()?.path(), record, None)
    }

    /// Runs the scenario once, in this folder: what the run leaves is in it. Why it cannot run in an emulated machine, if it cannot, `only_here` says.
    pub(super) fn run_in(
        &self,
        folder: &Path,
        record: Record,
        only_here: Option<&str>,
    ) -> Result<Ran<Report>, Shown> {
        let files = slice::from_ref(&self.file);
        match self.runner.run_in(folder, (files, files), record, only_here)? {
            Ran::Elsewhere(status) => Ok(Ran::Elsewhere(status)),
            Ran::Here(reports) => match <[Report; 1]>::try_from(reports) {
                Ok([report]) => Ok(Ran::Here(report)),
                Err(_) => Err(Shown(Status::CouldNotTell)),
            },
        }
    }
}

impl RunnerArgs {
    /// Runs each of these scenarios once. The call reads these files, the scenarios among them.
    pub(super) fn run(
        &self,
        scenarios: &[PathBuf],
        files: &[PathBuf],
        record: Record,
    ) -> Result<Ran<Vec<Report>>, Shown> {
        self.run_in(scratch()?.path(), (scenarios, files), record, None)
    }

    fn run_in(
        &self,
        folder: &Path,
        (scenarios, files): (&[PathBuf], &[PathBuf]),
        record: Record,
        only_here: Option<&str>,
    ) -> Result<Ran<Vec<Report>>, Shown> {
        if scenarios.is_empty() {
            return Ok(Ran::Here(Vec::new()));
        }
        let description = self.guest.description()?;
        let choice = platform::choose(self.platform.platform, description.machine)
            .map_err(|error| show_failure(&error))?;
        let image = self.guest.image(&description)?;
        if let Choice::Emulated(reason) = choice {
            if let Some(only_here) = only_here {
                eprintln!("error: {only_here}");
                return Err(Shown(Status::UnusableInput));
            }
            emulated::announce(&reason);
            return emulated::run(&self.guest, files, &image, description).map(Ran::Elsewhere);
        }
        let parsed = parse_all(scenarios, |name, text| {
            Scenario::parse(name, text, &image.programs)
        })?;
        if record.snapshots && parsed.iter().any(|(_, scenario)| scenario.explores()) {
            eprintln!(
                "error: the scenario explores schedules, and one run is to be looked at: write one of them as a scenario with `vmm run --replay`"
            );
            return Err(Shown(Status::UnusableInput));
        }
        let jobs: Vec<Job> = scenarios
            .iter()
            .zip(&parsed)
            .map(|(file, (text, scenario))| Job {
                file: file.display().to_string(),
                scenario: text.clone(),
                patience: patience(scenario, &description, self.guest.slow),
                image: image.clone(),
                description: description.clone(),
                options: self.guest.options.clone(),
                require: Vec::new(),
                limits: RunLimits::default(),
                slow: self.guest.slow,
                record,
                exploring: Exploring::Anew,
                seed: None,
                scratch: folder.to_owned(),
                confinement: if self.unconfined {
                    Confinement::Unconfined
                } else {
                    Confinement::Confined
                },
                debugger: None,
            })
            .collect();
        let mut kept = Kept(Vec::new());
        match pool_of(NonZeroUsize::MIN)?.run(&jobs, &mut kept) {
            End::Interrupted => Err(Shown(Status::CouldNotTell)),
            End::Complete => {
                let reports = kept.0.into_iter().zip(&parsed);
                let reports = reports.map(|(done, (_, scenario))| report_of(done, scenario));
                Ok(Ran::Here(reports.collect::<Result<_, _>>()?))
            }
        }
    }
}

/// A folder for what runs make.
pub(super) fn scratch() -> Result<TempDir, Shown> {
    tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))
}

/// What came of the jobs, in their order.
struct Kept(Vec<Done>);

impl Observer for Kept {
    fn began(&mut self, _index: usize) {}

    fn ended(&mut self, _index: usize) {}

    fn done(&mut self, _index: usize, done: Done) -> bool {
        self.0.push(done);
        true
    }
}
