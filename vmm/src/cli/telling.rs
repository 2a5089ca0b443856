//! Tells what comes of runs, in the order of the call, and keeps results.

use std::io;
use std::path::{Path, PathBuf};

use vmm::bundle::BundledRun;
use vmm::journal::{Entry, Reader, tell_run};
use vmm::report::{Explored, Readers, Report, Verdict};
use vmm::results::{Kept, Results};
use vmm::scenario::{self, Scenario, ScenarioName};
use vmm::worker::Job;
use vmm::worker::pool::{Done, End, Observer};

use super::jobs::{Progress, report_of};
use super::judging::Judging;
use super::run::RunArgs;
use super::{Shown, Status, emulated, show, show_as, show_failure};

/// A scenario of the call.
pub(super) struct Task {
    /// Its place in the order of the call.
    pub(super) place: usize,
    /// The name of its result, when results are kept.
    pub(super) name: Option<String>,
    pub(super) job: Job,
    /// Its result, when there is one already.
    pub(super) kept: Option<Kept>,
}

/// Tells what comes of the runs.
pub(super) struct Telling<'a> {
    pub(super) args: &'a RunArgs,
    pub(super) files: &'a [PathBuf],
    pub(super) texts: &'a [String],
    pub(super) scenarios: &'a [Scenario],
    pub(super) tasks: &'a [Task],
    pub(super) judging: Judging,
    /// Tasks without a result, which the pool has.
    pub(super) to_run: &'a [usize],
    /// Tasks up to this one have been told of.
    pub(super) told: usize,
    pub(super) results: Option<Results>,
    pub(super) reader: Readers<'a>,
    pub(super) progress: Progress,
    pub(super) verdicts: Vec<Verdict>,
    /// Runs that did not pass, when they are to be kept as a bundle.
    pub(super) bundled: Vec<BundledRun>,
    /// Why nothing more can be told.
    pub(super) failed: Option<Shown>,
}

impl Observer for Telling<'_> {
    fn began(&mut self, index: usize) {
        self.progress.began(index);
    }

    fn ended(&mut self, index: usize) {
        self.progress.ended(index);
    }

    fn begins_anew(&mut self, index: usize, because: &str) {
        let file = &self.tasks[self.to_run[index]].job.file;
        self.progress.beside(|| emulated::tell_anew(file, because));
    }

    fn done(&mut self, index: usize, done: Done) -> bool {
        let index = self.to_run[index];
        self.tell_kept_up_to(index, End::Complete);
        let task = &self.tasks[index];
        let mut report = match report_of(done, &self.scenarios[task.place]) {
            Ok(report) => report,
            Err(shown) => {
                self.failed.get_or_insert(shown);
                return false;
            }
        };
        let (file, scenario) = (&self.files[task.place], &self.scenarios[task.place]);
        report.origin = Some(self.args.origin(file, scenario));
        match self.judging.get() {
            Ok(judged) => report.judged = Some(judged.clone()),
            Err(shown) => {
                self.failed.get_or_insert(shown);
                return false;
            }
        }
        if let (Some(results), Some(name)) = (&self.results, &task.name) {
            let kept = Kept {
                place: task.place,
                file: task.job.file.clone(),
                report: report.clone(),
            };
            if let Err(error) = results.keep(name, &kept) {
                self.failed.get_or_insert(show_failure(&error));
            }
        }
        self.told = index + 1;
        self.report(task.place, report);
        self.failed.is_none()
    }
}

impl Telling<'_> {
    /// Tells of the results that there were before, as far as nothing that is still to be run stands before them.
    pub(super) fn tell_kept_up_to(&mut self, index: usize, end: End) {
        for task in &self.tasks[self.told.min(index)..index] {
            match &task.kept {
                Some(kept) => self.report(task.place, kept.report.clone()),
                None if end == End::Interrupted => {}
                None => return,
            }
        }
        self.told = self.told.max(index);
    }

    fn report(&mut self, place: usize, mut report: Report) {
        let scenario = &self.scenarios[place];
        report.states = report.states.filter(|_| self.args.states);
        let same_name = self.scenarios.iter().filter(|other| other.name == scenario.name);
        if same_name.count() > 1 {
            report.scenario = format!("{} ({})", scenario.name, self.files[place].display()).into();
        }
        self.verdicts.push(report.verdict);
        if self.args.bundle.is_some() && report.verdict != Verdict::Pass {
            self.bundled.push(BundledRun {
                file: self.files[place].display().to_string(),
                scenario: self.texts[place].clone(),
                report: report.clone(),
            });
        }
        let told = self.progress.beside(|| tell_run(&report, &mut self.reader));
        self.note(told);
        if let (Some(replay), Some(explored)) = (&self.args.replay, &report.explored)
            && let Err(shown) = write_replay(replay, &self.files[place], explored)
        {
            self.failed.get_or_insert(shown);
        }
    }

    pub(super) fn tell(&mut self, entry: Entry<'_>) {
        let told = self.reader.read(entry);
        self.note(told);
    }

    fn note(&mut self, told: io::Result<()>) {
        if let Err(error) = told {
            self.failed
                .get_or_insert_with(|| show_as(Status::CouldNotTell, &error));
        }
    }
}

/// Writes the schedule that breaks a rule. Without one there is nothing to write, and an old file stays as it is.
fn write_replay(to: &Path, scenario: &Path, explored: &Explored) -> Result<(), Shown> {
    let Some(choices) = explored.choices() else {
        eprintln!("no schedule to write to {}: none breaks a rule", to.display());
        return Ok(());
    };
    let stem = to.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = ScenarioName::try_from(stem).map_err(|error| {
        eprintln!("error: a scenario has the name of its file: {error}");
        Shown(Status::UnusableInput)
    })?;
    let text = std::fs::read_to_string(scenario).map_err(|error| show(&error))?;
    let text = scenario::with_choices(&text, &name, &choices).map_err(|error| show(&error))?;
    std::fs::write(to, text).map_err(|error| {
        eprintln!("error: cannot write {}: {error}", to.display());
        Shown(Status::CouldNotTell)
    })?;
    eprintln!("wrote {}", to.display());
    Ok(())
}
