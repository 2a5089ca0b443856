//! Submissions to images that can be booted.

use std::error::Error;
use std::fs;
use std::iter;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;

use vmm::grade::{self, Build, Grade, Item, Kind, Rubric, ScenarioGrade, SubmissionError, Taken};
use vmm::image::{self, Containment, Course, GuestImage, ImageError, ImageKind, Progress};
use vmm::printable::{self, Printable};
use vmm::report::text::count;
use vmm::report::{Outcome, Report};
use vmm::worker::pool::Pool;

use super::super::status::HasStatus;
use super::super::{Shown, Status, show_failure};
use super::list::Named;
use super::origin::Origins;
use super::running::Task;

/// Most files that are named which are not taken.
const MAX_LEFT: usize = 10;

/// A submission on its way to a grade.
pub(super) struct Submission {
    pub(super) name: Printable,
    /// Its place among all that the call names.
    pub(super) place: usize,
    pub(super) path: PathBuf,
    /// What there is to boot, or why there is nothing.
    pub(super) built: Result<GuestImage, NotBuilt>,
    /// Its results so far, in the order of the rubric; None where there is none yet.
    pub(super) scenarios: Vec<Option<ScenarioGrade>>,
    /// Runs that are still to be made.
    pub(super) left: usize,
}

/// Why there is nothing to boot.
#[derive(Clone)]
pub(super) struct NotBuilt {
    outcome: Outcome,
    why: Printable,
}

impl Submission {
    /// Takes note of what came of a run.
    pub(super) fn note(&mut self, item: usize, scored: ScenarioGrade) {
        let scenario = &mut self.scenarios[item];
        *scenario = Some(match scenario.take() {
            Some(before) => grade::worse(before, scored),
            None => scored,
        });
        self.left -= 1;
    }

    /// Takes note of a run that was made.
    pub(super) fn note_run(&mut self, origins: &Origins<'_>, task: &Task, mut report: Report) {
        report.origin = Some(origins.of(task, &self.path, report.outcome()));
        self.note(task.item, grade::score(&origins.rubric.items[task.item], report));
    }

    /// Nothing of it can be run after all.
    pub(super) fn refuse(&mut self, rubric: &Rubric, error: &dyn Error) {
        let refused = NotBuilt {
            outcome: Outcome::DoesNotBuild,
            why: printable::joined(&printable::causes(error), "; ").into(),
        };
        let item = |item: &Item| Some(grade::not_run(item, refused.outcome, &refused.why));
        self.scenarios = rubric.items.iter().map(item).collect();
        self.built = Err(refused);
    }

    /// Its grade, when all of its runs are made.
    pub(super) fn grade(&self) -> Option<Grade> {
        if self.left > 0 {
            return None;
        }
        let scenarios: Option<Vec<ScenarioGrade>> = self.scenarios.iter().cloned().collect();
        let build = match &self.built {
            Ok(_) => Build::Done,
            Err(NotBuilt { outcome, why }) => match outcome {
                Outcome::HarnessBroke => Build::Broken { why: why.clone() },
                _ => Build::Failed { why: why.clone() },
            },
        };
        Some(Grade::new(self.name.clone(), build, scenarios?))
    }
}

/// Builds submissions, up to so many at the same time as are `wanted`: a kernel is one unit of code, and its compiler uses one core. Somebody who
/// interrupts the pool has had enough of it, and those that are built by then, with all before them, are all.
pub(super) fn build(
    submissions: &[Named],
    containment: Containment,
    rubric: &Rubric,
    out: &Path,
    pool: &Pool,
    wanted: NonZeroUsize,
) -> Result<Vec<Submission>, Shown> {
    let progress = image::to_stderr();
    let progress = &*progress;
    let builder = Builder::new(rubric.kind, containment, progress).map_err(|error| show_failure(&error))?;
    let take = |Named { name, path, .. }: &Named| {
        let taken = grade::take(path, rubric);
        taken
            .inspect(|taken| tell_left(name, taken))
            .map_err(|error| NotBuilt::submission(&error))
    };
    let taken: Vec<Result<Taken, NotBuilt>> = submissions.iter().map(take).collect();
    let build = |index: usize| {
        let Named { name, path, .. } = &submissions[index];
        progress.step(&format!("building {name}"));
        let dir = out.join("builds").join(name.as_str());
        let image = builder.build(path, taken[index].as_ref().map_err(Clone::clone)?, &dir, rubric);
        image.map_err(|error| NotBuilt::image(&error))
    };
    let at_once = builder.at_once(wanted);
    let built = each(submissions.len(), at_once, build, || pool.is_interrupted());
    progress.finish();
    let submission = |(named, built): (&Named, Result<GuestImage, NotBuilt>)| {
        let item = |item: &Item| match &built {
            Ok(_) => None,
            Err(NotBuilt { outcome, why }) => Some(grade::not_run(item, *outcome, why)),
        };
        Submission {
            name: named.name.clone(),
            place: named.place,
            path: named.path.clone(),
            scenarios: rubric.items.iter().map(item).collect(),
            left: 0,
            built,
        }
    };
    Ok(submissions.iter().zip(built).map(submission).collect())
}

/// What the work gives for each number below `count`, `at_once` of them at the same time, in their order; as far as all is done when there is enough.
fn each<T: Send>(
    count: usize,
    at_once: NonZeroUsize,
    work: impl Fn(usize) -> T + Sync,
    is_enough: impl Fn() -> bool,
) -> Vec<T> {
    let mut done: Vec<Option<T>> = iter::repeat_with(|| None).take(count).collect();
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let (work, next) = (&work, &next);
        for _ in 0..at_once.get().min(count) {
            let sender = sender.clone();
            scope.spawn(move || {
                let one = || Some(next.fetch_add(1, Relaxed)).filter(|number| *number < count);
                while let Some(number) = one() {
                    // Nobody listens any more when there is enough.
                    let _ = sender.send((number, work(number)));
                }
            });
        }
        drop(sender);
        for (number, result) in receiver {
            if is_enough() {
                next.store(count, Relaxed);
                break;
            }
            done[number] = Some(result);
        }
    });
    done.into_iter().map_while(|result| result).collect()
}

/// Says what of a submission is not looked at: a student may have put the solution there.
fn tell_left(name: &Printable, taken: &Taken) {
    for path in taken.left.iter().take(MAX_LEFT) {
        let path = Printable::from(path.display().to_string());
        eprintln!("{name}: {path} is not taken");
    }
    if let Some(others @ 1..) = taken.left.len().checked_sub(MAX_LEFT) {
        eprintln!("{name}: {} not taken, either", count(others, "other file"));
    }
}

/// What makes an image of a submission.
enum Builder {
    Course(Course),
    /// The image whose programs a submitted kernel runs.
    Kernel(GuestImage),
    Image,
}

impl Builder {
    fn new(kind: Kind, containment: Containment, progress: &dyn Progress) -> Result<Builder, ImageError> {
        match kind {
            Kind::Sources => Course::prepare(containment, progress).map(Builder::Course),
            Kind::KernelFile => image::ensure(ImageKind::Shipped, progress).map(Builder::Kernel),
            Kind::Image => Ok(Builder::Image),
        }
    }

    /// How many may be built at the same time.
    fn at_once(&self, wanted: NonZeroUsize) -> NonZeroUsize {
        match self {
            Builder::Course(course) => course.builds_at_once(wanted),
            Builder::Kernel(_) | Builder::Image => wanted,
        }
    }

    fn build(
        &self,
        path: &Path,
        taken: &Taken,
        dir: &Path,
        rubric: &Rubric,
    ) -> Result<GuestImage, ImageError> {
        match self {
            Builder::Course(course) => {
                // What an earlier call left may be half of something.
                let _ = fs::remove_dir_all(dir);
                // The line is the submission's; the steps of its build are not worth one.
                course.build(dir, &taken.files, rubric.limits.build, &image::Silent)
            }
            Builder::Kernel(image) => Ok(GuestImage {
                kernel: path.to_owned(),
                ..image.clone()
            }),
            Builder::Image => GuestImage::at(path),
        }
    }
}

impl NotBuilt {
    fn submission(error: &SubmissionError) -> NotBuilt {
        NotBuilt {
            outcome: Outcome::DoesNotBuild,
            why: error.to_string().into(),
        }
    }

    fn image(error: &ImageError) -> NotBuilt {
        NotBuilt {
            outcome: match error.status() {
                Status::DoesNotBuild | Status::UnusableInput => Outcome::DoesNotBuild,
                Status::Passed | Status::GuestFailed | Status::CouldNotTell => Outcome::HarnessBroke,
            },
            why: error.to_string().into(),
        }
    }
}
