//! `vmm grade`: submissions to points.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use vmm::grade::{self, Build, Grade, Item, Kind, Rubric, ScenarioGrade, SubmissionError, Taken};
use vmm::guest::{Record, ringside};
use vmm::image::{self, Containment, Course, GuestImage, ImageError, ImageKind};
use vmm::journal::{Entry, Reader, tell_submission};
use vmm::printable::Printable;
use vmm::report::{Outcome, Verdict};
use vmm::results::{self, Kept, Results};
use vmm::worker::pool::{Done, End, Observer};
use vmm::worker::{Answer, Fault, Job};

use super::jobs::{JobArgs, Progress};
use super::status::HasStatus;
use super::tell_grades::GradeText;
use super::{Shown, Status, show, show_as, show_diagnostic, show_failure};

/// What to grade, and by what.
#[derive(Args)]
pub(super) struct GradeArgs {
    /// The rubric, a TOML file (see `docs/grading.md`).
    #[arg(long, value_name = "RUBRIC")]
    rubric: PathBuf,
    /// What was submitted: a folder for each student, or a file, as the rubric says.
    #[arg(required = true, value_name = "SUBMISSION")]
    submissions: Vec<PathBuf>,
    /// Build submissions without a sandbox. Whatever runs at build time has all that you have.
    #[arg(long)]
    unsafe_build: bool,
    #[command(flatten)]
    jobs: JobArgs,
}

/// A submission on its way to a grade.
struct Submission {
    name: Printable,
    /// What there is to boot, or why there is nothing.
    built: Result<GuestImage, NotBuilt>,
    /// Its results so far, in the order of the rubric.
    scenarios: Vec<ScenarioGrade>,
}

/// Why there is nothing to boot.
struct NotBuilt {
    outcome: Outcome,
    why: Printable,
}

pub(super) fn grade(args: &GradeArgs) -> Result<Status, Shown> {
    let rubric = Rubric::read(&args.rubric).map_err(|error| show_diagnostic(*error))?;
    let names = names(&args.submissions)?;
    vmm::vm::open().map_err(|error| show_failure(&error))?;
    let scratch = tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let out = args.jobs.out.as_deref().unwrap_or(scratch.path());
    let results = Results::in_folder(&out.join("results")).map_err(|error| show_failure(&error))?;
    let mut submissions = build(args, &rubric, &names, out)?;
    let mut tasks = Vec::new();
    for (submission, built) in submissions.iter().enumerate() {
        let Ok(image) = &built.built else { continue };
        for item in 0..rubric.items.len() {
            let job = job(&rubric, &rubric.items[item], image, scratch.path(), args);
            let name = results::name(&job).map_err(|error| show_failure(&error))?;
            tasks.push(Task {
                submission,
                item,
                name: format!("{}-{name}", built.name),
                job,
            });
        }
    }
    let place = |task: &Task| task.submission * rubric.items.len() + task.item;
    tasks.retain(|task| args.jobs.shard.is_none_or(|shard| shard.has(place(task))));
    if args.jobs.resume {
        tasks.retain(|task| match results.find(&task.name) {
            Some(kept) => {
                let scored = grade::score(&rubric.items[task.item], kept.report);
                submissions[task.submission].scenarios[task.item] = scored;
                false
            }
            None => true,
        });
    }
    let jobs: Vec<Job> = tasks.iter().map(|task| task.job.clone()).collect();
    let label = |task: &Task| format!("{}: {}", submissions[task.submission].name, task.job.file);
    let mut grading = Grading {
        rubric: &rubric,
        progress: Progress::new(tasks.iter().map(label).collect()),
        tasks,
        submissions,
        results,
        failed: None,
    };
    let end = args.jobs.pool()?.run(&jobs, &mut grading);
    grading.progress.finish();
    if let Some(failed) = grading.failed {
        return Err(failed);
    }
    tell(grading.submissions, &rubric, args.jobs.out.as_deref(), end)
}

/// Names of the submissions; two of one name could not be told apart.
fn names(submissions: &[PathBuf]) -> Result<Vec<Printable>, Shown> {
    let mut names = BTreeSet::new();
    for submission in submissions {
        let problem = if !submission.exists() {
            "there is no such file"
        } else if !names.insert(grade::name_of(submission)) {
            "another submission has the same name"
        } else {
            continue;
        };
        let submission = Printable::from(submission.display().to_string());
        eprintln!("error: cannot grade {submission}: {problem}");
        return Err(Shown(Status::UnusableInput));
    }
    Ok(submissions
        .iter()
        .map(|submission| grade::name_of(submission))
        .collect())
}

/// Builds all submissions, one after the other: a compiler uses all cores by itself.
fn build(
    args: &GradeArgs,
    rubric: &Rubric,
    names: &[Printable],
    out: &Path,
) -> Result<Vec<Submission>, Shown> {
    let progress = image::to_stderr();
    let containment = if args.unsafe_build {
        Containment::Unsafe
    } else {
        Containment::Sandbox
    };
    let builder = match rubric.kind {
        Kind::Sources => Course::prepare(containment, &*progress).map(Builder::Course),
        Kind::KernelFile => image::ensure(ImageKind::Shipped, &*progress).map(Builder::Kernel),
        Kind::Image => Ok(Builder::Image),
    };
    let builder = builder.map_err(|error| show_failure(&error))?;
    let built = args.submissions.iter().zip(names).map(|(path, name)| {
        let dir = out.join("builds").join(name.as_str());
        let built = grade::take(path, rubric)
            .map_err(|error| NotBuilt::submission(&error))
            .and_then(|taken| {
                tell_left(name, &taken);
                progress.step(&format!("building {name}"));
                builder
                    .build(path, &taken, &dir, rubric)
                    .map_err(|error| NotBuilt::image(&error))
            });
        let item = |item: &Item| match &built {
            Ok(_) => grade::not_run(item, Outcome::HarnessBroke, &"it was not run".into()),
            Err(NotBuilt { outcome, why }) => grade::not_run(item, *outcome, why),
        };
        Submission {
            name: name.clone(),
            scenarios: rubric.items.iter().map(item).collect(),
            built,
        }
    });
    let built = built.collect();
    progress.finish();
    Ok(built)
}

/// Says what of a submission is not looked at: a student may have put the solution there.
fn tell_left(name: &Printable, taken: &Taken) {
    for path in &taken.left {
        let path = Printable::from(path.display().to_string());
        eprintln!("{name}: {path} is not taken");
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
                course.build(dir, &taken.files, rubric.limits, &image::Silent)
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

fn job(rubric: &Rubric, item: &Item, image: &GuestImage, scratch: &Path, args: &GradeArgs) -> Job {
    Job {
        file: item.file.clone(),
        scenario: item.text.clone(),
        image: image.clone(),
        description: ringside::description(),
        options: rubric.options.clone(),
        require: Vec::new(),
        record: Record::Nothing,
        exploring: args.jobs.exploring(),
        slow: 1,
        seed: None,
        scratch: scratch.to_owned(),
        confinement: args.jobs.confinement(),
    }
}

/// A scenario to run on a submission.
struct Task {
    submission: usize,
    item: usize,
    /// The name of its result.
    name: String,
    job: Job,
}

/// Grades as the results come.
struct Grading<'a> {
    rubric: &'a Rubric,
    progress: Progress,
    tasks: Vec<Task>,
    submissions: Vec<Submission>,
    results: Results,
    /// Why no result can be kept.
    failed: Option<Shown>,
}

impl Observer for Grading<'_> {
    fn began(&mut self, index: usize) {
        self.progress.began(index);
    }

    fn ended(&mut self, index: usize) {
        self.progress.ended(index);
    }

    fn done(&mut self, index: usize, done: Done) -> bool {
        let task = &self.tasks[index];
        let item = &self.rubric.items[task.item];
        let report = match done {
            Ok(Answer::Report(report)) => Ok(*report),
            Err(death) => Ok(death.report(&item.scenario)),
            Ok(Answer::NoRun { fault, because }) => {
                let because: Vec<&str> = because.iter().map(Printable::as_str).collect();
                let outcome = match fault {
                    Fault::Input => Outcome::RefusesToBoot,
                    Fault::Host => Outcome::HarnessBroke,
                };
                Err((outcome, Printable::from(because.join("; "))))
            }
        };
        let scored = match report {
            Ok(report) => {
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
                grade::score(item, report)
            }
            Err((outcome, why)) => grade::not_run(item, outcome, &why),
        };
        self.submissions[task.submission].scenarios[task.item] = scored;
        self.failed.is_none()
    }
}

/// Tells all grades, and keeps them when there is a place.
fn tell(
    submissions: Vec<Submission>,
    rubric: &Rubric,
    out: Option<&Path>,
    end: End,
) -> Result<Status, Shown> {
    let mut reader = GradeText::new(rubric);
    let expected = submissions.len();
    let mut told = reader.read(Entry::Began { expected });
    let mut grades = Vec::new();
    for Submission {
        name,
        built,
        scenarios,
    } in submissions
    {
        let build = match built {
            Ok(_) => Build::Done,
            Err(NotBuilt {
                outcome: Outcome::HarnessBroke,
                why,
            }) => Build::Broken { why },
            Err(NotBuilt { why, .. }) => Build::Failed { why },
        };
        let grade = Grade::new(name, build, scenarios);
        told = told.and_then(|()| tell_submission(&grade, &mut reader));
        grades.push(grade);
    }
    let interrupted = end == End::Interrupted;
    told = told.and_then(|()| reader.read(Entry::Ended { interrupted }));
    told.map_err(|error| show_as(Status::CouldNotTell, &error))?;
    if let Some(out) = out {
        let file = out.join("grades.json");
        let text =
            serde_json::to_string_pretty(&grades).expect("a grade has no maps with keys of other types");
        fs::write(&file, vmm::printable::json(&text)).map_err(|error| show(&error))?;
    }
    if interrupted {
        return Ok(Status::CouldNotTell);
    }
    Ok(status(&grades))
}

/// A guest that failed outranks a submission that does not build, and both what could not be told.
fn status(grades: &[Grade]) -> Status {
    let outcomes = || {
        grades
            .iter()
            .flat_map(|grade| &grade.scenarios)
            .map(|scenario| scenario.outcome)
    };
    let failed = |outcome: Outcome| outcome.verdict() == Verdict::Fail && outcome != Outcome::DoesNotBuild;
    if outcomes().any(failed) {
        Status::GuestFailed
    } else if outcomes().any(|outcome| outcome == Outcome::DoesNotBuild) {
        Status::DoesNotBuild
    } else if outcomes().any(|outcome| outcome.verdict() == Verdict::Broken) {
        Status::CouldNotTell
    } else {
        Status::Passed
    }
}
