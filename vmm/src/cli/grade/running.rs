//! Runs scenarios on submissions, keeps what comes of them, and tells each grade as soon as it is complete, in the order of the call.

use std::io;

use vmm::grade::{self, Placed};
use vmm::journal::{Entry, Reader, tell_submission};
use vmm::printable::{self, Printable};
use vmm::report::{Judged, Outcome, Readers};
use vmm::results::{Kept, Results};
use vmm::worker::pool::{Done, End, Observer};
use vmm::worker::{Answer, Fault, Job};

use super::super::jobs::Progress;
use super::super::{Shown, Status, emulated, show_as, show_failure};
use super::build::Submission;
use super::origin::Origins;

/// A run to make.
pub(super) struct Task {
    pub(super) submission: usize,
    pub(super) item: usize,
    /// The name of its result.
    pub(super) name: String,
    pub(super) job: Job,
    /// What is judged in it.
    pub(super) judged: Judged,
}

/// Grades as the results come.
pub(super) struct Grading<'a> {
    origins: Origins<'a>,
    progress: Progress,
    tasks: Vec<Task>,
    submissions: Vec<Submission>,
    results: Results,
    reader: Readers<'a>,
    /// Grades that have been told.
    graded: Vec<Placed>,
    /// Why nothing more can be told or kept.
    failed: Option<Shown>,
}

impl<'a> Grading<'a> {
    pub(super) fn new(
        origins: Origins<'a>,
        progress: Progress,
        tasks: Vec<Task>,
        submissions: Vec<Submission>,
        results: Results,
        reader: Readers<'a>,
    ) -> Self {
        Self {
            origins,
            progress,
            tasks,
            submissions,
            results,
            reader,
            graded: Vec::new(),
            failed: None,
        }
    }

    /// Tells the grades that are complete, as far as none before them is missing.
    pub(super) fn tell_complete(&mut self) {
        while let Some(submission) = self.submissions.get(self.graded.len())
            && let Some(grade) = submission.grade()
        {
            let place = submission.place;
            let told = self.progress.beside(|| tell_submission(&grade, &mut self.reader));
            self.note(told);
            self.graded.push(Placed { place, grade });
        }
    }

    pub(super) fn note(&mut self, told: io::Result<()>) {
        if let Err(error) = told {
            self.failed
                .get_or_insert_with(|| show_as(Status::CouldNotTell, &error));
        }
    }

    /// Tells the end, and gives all grades that are complete.
    pub(super) fn end(mut self, end: End) -> Result<Vec<Placed>, Shown> {
        self.progress.finish();
        let interrupted = end == End::Interrupted;
        let told = self.reader.read(Entry::Ended { interrupted });
        self.note(told);
        self.failed.map_or(Ok(self.graded), Err)
    }
}

impl Observer for Grading<'_> {
    fn began(&mut self, index: usize) {
        self.progress.began(index);
    }

    fn ended(&mut self, index: usize) {
        self.progress.ended(index);
    }

    fn begins_anew(&mut self, index: usize, because: &str) {
        let file = &self.tasks[index].job.file;
        self.progress.beside(|| emulated::tell_anew(file, because));
    }

    fn done(&mut self, index: usize, done: Done) -> bool {
        let task = &self.tasks[index];
        let item = &self.origins.rubric.items[task.item];
        let report = match done {
            Ok(Answer::Report(report)) => Ok(*report),
            Err(death) => Ok(death.report(&item.scenario)),
            Ok(Answer::NoRun { fault, because }) => {
                let outcome = match fault {
                    Fault::Input => Outcome::RefusesToBoot,
                    Fault::Host => Outcome::HarnessBroke,
                };
                Err((outcome, Printable::from(printable::joined(&because, "; "))))
            }
        };
        let submission = &mut self.submissions[task.submission];
        match report {
            Ok(mut report) => {
                report.judged = Some(task.judged.clone());
                let kept = Kept {
                    place: index,
                    file: item.file.clone(),
                    report: report.clone(),
                };
                // What could not be told is tried again by whoever goes on.
                let could_be_told = report.outcome() != Outcome::HarnessBroke;
                if could_be_told && let Err(error) = self.results.keep(&task.name, &kept) {
                    self.failed.get_or_insert(show_failure(&error));
                }
                submission.note_run(&self.origins, task, report);
            }
            Err((outcome, why)) => submission.note(task.item, grade::not_run(item, outcome, &why)),
        }
        self.tell_complete();
        self.failed.is_none()
    }
}
