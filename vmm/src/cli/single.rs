//! One run of one scenario, for commands that look into it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::slice;

use clap::Args;
use tempfile::TempDir;
use vmm::guest::{Description, Exploring, Record};
use vmm::image::GuestImage;
use vmm::platform::{self, Choice};
use vmm::report::Report;
use vmm::scenario::Scenario;
use vmm::worker::pool::{Done, End, Observer};
use vmm::worker::{Confinement, Job, RunLimits, patience};

use super::emulated::Workplace;
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

/// Which guest runs, and where.
pub(super) struct Chosen {
    pub(super) description: Description,
    pub(super) image: GuestImage,
    pub(super) choice: Choice,
}

impl SingleArgs {
    /// Runs the scenario once.
    pub(super) fn run(&self, record: Record) -> Result<Report, Shown> {
        self.run_in(self.runner.choose()?, scratch()?.path(), record)
    }

    /// Runs the scenario once, in this folder: what a run on this machine leaves is in it.
    pub(super) fn run_in(&self, chosen: Chosen, folder: &Path, record: Record) -> Result<Report, Shown> {
        let reports = self
            .runner
            .run_in(chosen, folder, slice::from_ref(&self.file), record)?;
        let [report] = <[Report; 1]>::try_from(reports).map_err(|_| Shown(Status::CouldNotTell))?;
        Ok(report)
    }
}

impl RunnerArgs {
    /// Runs each of these scenarios once.
    pub(super) fn run(&self, scenarios: &[PathBuf], record: Record) -> Result<Vec<Report>, Shown> {
        if scenarios.is_empty() {
            return Ok(Vec::new());
        }
        self.run_in(self.choose()?, scratch()?.path(), scenarios, record)
    }

    /// Finds out which guest is to run, and where.
    pub(super) fn choose(&self) -> Result<Chosen, Shown> {
        let description = self.guest.description()?;
        let choice = platform::choose(self.platform.platform, description.machine)
            .map_err(|error| show_failure(&error))?;
        Ok(Chosen {
            image: self.guest.image(&description)?,
            description,
            choice,
        })
    }

    fn run_in(
        &self,
        chosen: Chosen,
        folder: &Path,
        scenarios: &[PathBuf],
        record: Record,
    ) -> Result<Vec<Report>, Shown> {
        let Chosen {
            description,
            image,
            choice,
        } = chosen;
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
        let mut kept = Kept {
            jobs: &jobs,
            done: Vec::new(),
        };
        let of_jobs = parsed.iter().map(|(_, scenario)| scenario);
        let pool = || pool_of(NonZeroUsize::MIN);
        let end = Workplace::of(&choice).run(pool, &jobs, of_jobs, &mut kept)?;
        match end {
            End::Interrupted => Err(Shown(Status::CouldNotTell)),
            End::Complete => {
                let reports = kept.done.into_iter().zip(&parsed);
                let reports = reports.map(|(done, (_, scenario))| report_of(done, scenario));
                reports.collect()
            }
        }
    }
}

/// A folder for what runs make.
pub(super) fn scratch() -> Result<TempDir, Shown> {
    tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))
}

/// What came of the jobs, in their order.
struct Kept<'a> {
    jobs: &'a [Job],
    done: Vec<Done>,
}

impl Observer for Kept<'_> {
    fn began(&mut self, _index: usize) {}

    fn ended(&mut self, _index: usize) {}

    fn begins_anew(&mut self, index: usize, because: &str) {
        emulated::tell_anew(&self.jobs[index].file, because);
    }

    fn done(&mut self, _index: usize, done: Done) -> bool {
        self.done.push(done);
        true
    }
}
