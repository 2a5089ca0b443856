//! How many workers, which part of the work, and where results are kept: the same for every command that runs scenarios.

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use vmm::guest::{Description, Exploring};
use vmm::report::Report;
use vmm::scenario::Scenario;
use vmm::worker::pool::{Done, Pool};
use vmm::worker::{self, Answer, Confinement, Fault};

use super::{Shown, Status, show_as, show_causes};

/// How workers are run.
#[derive(Args)]
pub(super) struct RunningArgs {
    /// Run so many scenarios at once, each in a process of its own. Without it as many as there are cores.
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run guests without walls around their workers: for trusted guests, on a host whose kernel cannot confine a process.
    #[arg(long)]
    unconfined: bool,
    /// Give up a run that has no result after so many seconds of real time, and say that the harness broke. Without it, that happens after an
    /// hour or more, to which no run comes that goes on at all: what a guest may use is counted otherwise.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    give_up_after: Option<u64>,
    /// Boot a guest for each run and for each schedule that is explored, instead of forking runs from one that has booted, and where schedules
    /// differ. The report is the same.
    #[arg(long)]
    fresh: bool,
}

/// How scenarios are run, and what is kept.
#[derive(Args)]
pub(super) struct JobArgs {
    #[command(flatten)]
    pub(super) running: RunningArgs,
    /// Keep the result of each run in this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Do not run again what has a result in the folder of `--out` already.
    #[arg(long, requires = "out")]
    pub(super) resume: bool,
    /// Run the I-th of N parts only; `vmm merge` puts the results of all parts together.
    #[arg(long, value_name = "I/N", requires = "out")]
    pub(super) shard: Option<Shard>,
}

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    /// Which, from 0.
    index: usize,
    /// Of how many.
    of: NonZeroUsize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let expected = || format!("expected I/N with I from 1 to N, as in 2/5, found `{text}`");
        let (index, of) = text.split_once('/').ok_or_else(expected)?;
        let index: NonZeroUsize = index.parse().map_err(|_| expected())?;
        let of: NonZeroUsize = of.parse().map_err(|_| expected())?;
        if index > of {
            return Err(expected());
        }
        Ok(Shard {
            index: index.get() - 1,
            of,
        })
    }
}

impl Shard {
    /// Whether what has this place in the order of the call is in the part.
    pub(super) fn has(self, place: usize) -> bool {
        place % self.of == self.index
    }
}

impl RunningArgs {
    pub(super) fn confinement(&self) -> Confinement {
        if self.unconfined {
            Confinement::Unconfined
        } else {
            Confinement::Confined
        }
    }

    pub(super) fn exploring(&self) -> Exploring {
        if self.fresh {
            Exploring::Anew
        } else {
            Exploring::Branching
        }
    }

    /// How long a run may take in real time.
    pub(super) fn patience(&self, scenario: &Scenario, description: &Description, slow: u32) -> Duration {
        self.give_up_after.map_or_else(
            || worker::patience(scenario, description, slow),
            Duration::from_secs,
        )
    }

    /// How many workers at once.
    pub(super) fn workers(&self) -> NonZeroUsize {
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.jobs.unwrap_or(cores)
    }

    /// A pool that is ended when somebody interrupts the command.
    pub(super) fn pool(&self) -> Result<Pool, Shown> {
        pool_of(self.workers())
    }
}

/// A pool of so many workers that is ended when somebody interrupts the command.
pub(super) fn pool_of(workers: NonZeroUsize) -> Result<Pool, Shown> {
    let pool = Pool::new(workers);
    let interrupt = pool.interrupt();
    when_interrupted(move || interrupt.now())?;
    Ok(pool)
}

/// Has this done when somebody interrupts the command from now on, and nothing else any more.
pub(super) fn when_interrupted(act: impl FnMut() + Send + 'static) -> Result<(), Shown> {
    static ACT: Mutex<Option<Box<dyn FnMut() + Send>>> = Mutex::new(None);
    let acts = || ACT.lock().unwrap_or_else(PoisonError::into_inner);
    if acts().replace(Box::new(act)).is_some() {
        return Ok(());
    }
    let handled = ctrlc::set_handler(move || {
        if let Some(act) = &mut *acts() {
            act();
        }
    });
    handled.map_err(|error| show_as(Status::CouldNotTell, &error))
}

/// The report that came of a job, or why there is none.
pub(super) fn report_of(done: Done, scenario: &Scenario) -> Result<Report, Shown> {
    match done {
        Ok(Answer::Report(report)) => Ok(*report),
        Ok(Answer::NoRun { fault, because }) => {
            let status = match fault {
                Fault::Input => Status::UnusableInput,
                Fault::Host => Status::CouldNotTell,
            };
            Err(show_causes(status, &because))
        }
        Err(death) => Ok(death.report(scenario)),
    }
}

impl JobArgs {
    /// How many workers were asked for.
    pub(super) fn asked_for(&self) -> Option<NonZeroUsize> {
        self.running.jobs
    }

    pub(super) fn confinement(&self) -> Confinement {
        self.running.confinement()
    }

    pub(super) fn exploring(&self) -> Exploring {
        self.running.exploring()
    }

    /// As [`RunningArgs::workers`].
    pub(super) fn workers(&self) -> NonZeroUsize {
        self.running.workers()
    }

    /// As [`RunningArgs::pool`].
    pub(super) fn pool(&self) -> Result<Pool, Shown> {
        self.running.pool()
    }
}

/// A line on the terminal that says how much is done, and what is being done; nothing when there is no terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    names: Vec<String>,
    running: Vec<usize>,
}

impl Progress {
    pub(super) fn new(names: Vec<String>) -> Progress {
        let bar = if io::stderr().is_terminal() && names.len() > 1 {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {wide_msg}")
                .expect("the template is constant and names known fields");
            ProgressBar::new(names.len() as u64).with_style(style)
        } else {
            ProgressBar::hidden()
        };
        Progress {
            bar,
            names,
            running: Vec::new(),
        }
    }

    pub(super) fn began(&mut self, index: usize) {
        self.running.push(index);
        self.show();
    }

    pub(super) fn ended(&mut self, index: usize) {
        self.running.retain(|running| *running != index);
        self.bar.inc(1);
        self.show();
    }

    /// Prints something without the line in its way.
    pub(super) fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        let names: Vec<&str> = self
            .running
            .iter()
            .map(|index| self.names[*index].as_str())
            .collect();
        self.bar.set_message(names.join(", "));
    }
}
