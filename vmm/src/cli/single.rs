//! One run of one scenario, for commands that look into it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::slice;

use clap::Args;
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
    file: PathBuf,
    #[command(flatten)]
    guest: GuestArgs,
    #[command(flatten)]
    platform: PlatformArgs,
    /// Run the guest without walls around its worker: for a trusted guest, on a host whose kernel cannot confine a process.
    #[arg(long)]
    unconfined: bool,
}

/// What came of it.
pub(super) enum Single {
    /// A report.
    Ran(Box<Report>),
    /// All of the command was done in an emulated machine.
    Elsewhere(Status),
}

impl SingleArgs {
    /// Runs the scenario once.
    pub(super) fn run(&self, record: Record) -> Result<Single, Shown> {
        let files = slice::from_ref(&self.file);
        let description = self.guest.description()?;
        let choice = platform::choose(self.platform.platform, description.machine)
            .map_err(|error| show_failure(&error))?;
        let image = self.guest.image(&description)?;
        if let Choice::Emulated(reason) = choice {
            emulated::announce(&reason);
            return emulated::run(&self.guest, files, &image, description).map(Single::Elsewhere);
        }
        let parsed = parse_all(files, |name, text| Scenario::parse(name, text, &image.programs))?;
        let [(text, scenario)] = &parsed[..] else {
            return Err(Shown(Status::CouldNotTell));
        };
        let scratch = tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))?;
        let job = Job {
            file: self.file.display().to_string(),
            scenario: text.clone(),
            patience: patience(scenario, &description, self.guest.slow),
            image,
            description,
            options: self.guest.options.clone(),
            require: Vec::new(),
            limits: RunLimits::default(),
            slow: self.guest.slow,
            record,
            exploring: Exploring::Anew,
            seed: None,
            scratch: scratch.path().to_owned(),
            confinement: if self.unconfined {
                Confinement::Unconfined
            } else {
                Confinement::Confined
            },
            debugger: None,
        };
        let mut kept = OnlyOne(None);
        let end = pool_of(NonZeroUsize::MIN)?.run(&[job], &mut kept);
        match (end, kept.0) {
            (End::Complete, Some(done)) => Ok(Single::Ran(Box::new(report_of(done, scenario)?))),
            (End::Complete | End::Interrupted, _) => Err(Shown(Status::CouldNotTell)),
        }
    }
}

/// What came of the job.
struct OnlyOne(Option<Done>);

impl Observer for OnlyOne {
    fn began(&mut self, _index: usize) {}

    fn ended(&mut self, _index: usize) {}

    fn done(&mut self, _index: usize, done: Done) -> bool {
        self.0 = Some(done);
        true
    }
}
