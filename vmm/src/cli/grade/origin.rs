//! How a run of a grading is made again.

use std::env;
use std::path::{Path, PathBuf};

use vmm::grade::{self, Kind, Rubric};
use vmm::report::{Origin, Outcome};

use super::GradeArgs;
use super::running::Task;

/// A grading whose runs may be made again.
pub(super) struct Origins<'a> {
    pub(super) args: &'a GradeArgs,
    pub(super) rubric: &'a Rubric,
}

impl Origins<'_> {
    /// Where a run came from that was made on this submission: one scenario on what was built, where that is enough, or else the grading of
    /// the submission.
    pub(super) fn of(&self, task: &Task, submission: &Path, outcome: Outcome) -> Origin {
        let item = &self.rubric.items[task.item];
        // Only a grading has the rubric's limits, and only a run that met one is another without them.
        let words = match outcome {
            Outcome::BudgetUsedUp => self.grading(submission),
            _ => self
                .run(task, submission)
                .unwrap_or_else(|| self.grading(submission)),
        };
        let in_starter = grade::file_in_starter(item, self.rubric);
        Origin {
            in_starter: in_starter.map(|file| file.display().to_string().into()),
            ..Origin::new(&item.file, &words, &item.scenario)
        }
    }

    /// `vmm run`; None when the guest does not outlive the call.
    fn run(&self, task: &Task, submission: &Path) -> Option<Vec<String>> {
        let job = &task.job;
        let (key, guest) = match self.rubric.kind {
            Kind::KernelFile => ("--kernel", submission.to_owned()),
            Kind::Image => ("--image", submission.to_owned()),
            Kind::Sources => {
                self.args.jobs.out.as_ref()?;
                ("--image", from_here(job.image.kernel.parent()?))
            }
        };
        let mut words: Vec<String> = ["vmm", "run"].map(str::to_owned).into();
        words.extend([job.file.clone(), key.to_owned(), guest.display().to_string()]);
        for option in &job.options {
            words.extend(["--option".to_owned(), option.clone()]);
        }
        for report in &job.require {
            words.extend(["--require".to_owned(), report.name().to_owned()]);
        }
        if let Some(seed) = job.seed {
            words.extend(["--vary".to_owned(), seed.to_string()]);
        }
        Some(words)
    }

    /// `vmm grade`.
    fn grading(&self, submission: &Path) -> Vec<String> {
        let mut words: Vec<String> = ["vmm", "grade", "--rubric"].map(str::to_owned).into();
        words.push(self.args.rubric.display().to_string());
        if self.args.unsafe_build {
            words.push("--unsafe-build".to_owned());
        }
        words.push(submission.display().to_string());
        words
    }
}

/// The same path from the folder of the call on, if it is below it.
fn from_here(path: &Path) -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).to_owned()
}
