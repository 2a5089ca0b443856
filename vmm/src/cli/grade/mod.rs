//! `vmm grade`: submissions to points.
//!
//! - `list`: which submissions the call names
//! - `build`: an image of each
//! - `running`: the scenarios of the rubric on each, and its grade as soon as it is complete
//! - `origin`: how each run is made again
//! - `publish`: the files that `--out` keeps
//! - `starter`: what students begin with

mod build;
mod list;
mod origin;
pub(super) mod publish;
mod running;
mod starter;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use vmm::grade::{Grade, Grades, Item, Moment, Placed, Rubric};
use vmm::guest::{Record, ringside};
use vmm::image::{Containment, GuestImage};
use vmm::journal::{Entry, Reader};
use vmm::platform::KvmKind;
use vmm::report::text::{Detail, KernelLog, count};
use vmm::report::{Judged, JudgedFile, Outcome, Verdict};
use vmm::results::{self, Kept, Results};
use vmm::worker::Job;
use vmm::worker::pool::End;

use super::formats::FormatArgs;
use super::jobs::{JobArgs, Progress};
use super::{Shown, Status, show_as, show_diagnostic, show_failure};
use origin::Origins;
use running::{Grading, Task};

/// Examples of what the command can do.
pub(super) const EXAMPLES: &str = "\
Examples:
  vmm grade --rubric rubric.toml --out grades submissions/*
                                      grade a course; pages, and files for Gradescope, are in the folder `grades`
  vmm grade --rubric rubric.toml --report junit=out.xml handed-in.tar.gz
                                      grade one submission for an engine of continuous integration
  vmm grade --rubric rubric.toml --out grades --resume @submissions.txt
                                      go on with the submissions that a file lists, one a line
  vmm grade --rubric rubric.toml --out part-2 --shard 2/8 submissions/*
                                      grade the second of eight parts; `vmm merge part-*` puts them together
  vmm grade --rubric rubric.toml --starter starter
                                      write what students begin with
";

/// What to grade, and by what.
#[derive(Args)]
pub(super) struct GradeArgs {
    /// The rubric, a TOML file (see `docs/grading.md`).
    #[arg(long, value_name = "RUBRIC")]
    rubric: PathBuf,
    /// What was submitted: a folder, an archive (.tar, .tar.gz, .tar.zst, .zip) or a patch for each student, or a file, as the rubric says.
    /// `@FILE` stands for what FILE lists, one a line, relative to its folder.
    #[arg(required_unless_present = "starter", value_name = "SUBMISSION")]
    submissions: Vec<PathBuf>,
    /// Write what students begin with to a new folder: the files of the rubric without the functions that it leaves out, and the scenarios
    /// that they may see.
    #[arg(long, value_name = "DIR", conflicts_with = "submissions")]
    starter: Option<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
    /// When students look at the pages that `--out` writes for them: which scenarios they see.
    #[arg(long, value_name = "WHEN", default_value = "before-due-date")]
    students_see: StudentsSee,
    /// Build submissions without a sandbox. Whatever runs at build time has all that you have.
    #[arg(long)]
    unsafe_build: bool,
    #[command(flatten)]
    jobs: JobArgs,
}

/// A [`Moment`], as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StudentsSee {
    /// While they may hand in: scenarios that are `visible`.
    BeforeDueDate,
    /// When nobody hands in any more: those that are `after-due-date`, too.
    AfterDueDate,
    /// When the grades are published: those that are `after-published`, too.
    AfterPublished,
}

impl From<StudentsSee> for Moment {
    fn from(when: StudentsSee) -> Moment {
        match when {
            StudentsSee::BeforeDueDate => Moment::BeforeDueDate,
            StudentsSee::AfterDueDate => Moment::AfterDueDate,
            StudentsSee::AfterPublished => Moment::AfterPublished,
        }
    }
}

impl GradeArgs {
    fn containment(&self) -> Containment {
        if self.unsafe_build {
            Containment::Unsafe
        } else {
            Containment::Sandbox
        }
    }

    /// What is recorded of each run: pages have pictures of memory.
    fn record(&self) -> Record {
        if self.jobs.out.is_some() {
            Record::MEMORY
        } else {
            self.formats.needs()
        }
    }
}

pub(super) fn grade(args: &GradeArgs) -> Result<Status, Shown> {
    let rubric = Rubric::read(&args.rubric).map_err(|error| show_diagnostic(*error))?;
    if let Some(starter) = &args.starter {
        return starter::write(starter, &rubric);
    }
    let mut named = list::submissions(&args.submissions)?;
    let expected = named.len();
    if let Some(shard) = args.jobs.shard {
        named.retain(|submission| shard.has(submission.place));
        let all = count(expected, "submission");
        eprintln!("this part has {} of {all}", named.len());
    }
    args.formats.check_submissions(named.len())?;
    let kvm = vmm::vm::open().map_err(|error| show_failure(&error))?;
    let kind = KvmKind::of(&kvm).map_err(|error| show_failure(&error))?;
    let judging_by = JudgedFile::at(&args.rubric).map_err(|error| show_failure(&error))?;
    let scratch = tempfile::tempdir().map_err(|error| show_as(Status::CouldNotTell, &error))?;
    // Compilers run elsewhere, where a relative path would lead to another place.
    let out = std::path::absolute(args.jobs.out.as_deref().unwrap_or(scratch.path()))
        .map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let out = out.as_path();
    let results = Results::in_folder(&out.join("results")).map_err(|error| show_failure(&error))?;
    let mut reader = args.formats.readers(Detail::Verdict, KernelLog::Untold)?;
    let pool = args.jobs.pool()?;

    let mut submissions = build::build(
        &named,
        args.containment(),
        &rubric,
        out,
        &pool,
        args.jobs.workers(),
    )?;
    let mut tasks = Vec::new();
    for (index, submission) in submissions.iter_mut().enumerate() {
        let Ok(image) = submission.built.clone() else {
            continue;
        };
        let judged = match Judged::of(&ringside::description(), &image, &rubric.options, kind) {
            Ok(judged) => Judged {
                rubric: Some(judging_by.clone()),
                ..judged.below(out)
            },
            // A link or a device, say, in the place of a file.
            Err(error) => {
                submission.refuse(&rubric, &error);
                continue;
            }
        };
        for (item, scenario) in rubric.items.iter().enumerate() {
            for seed in scenario.runs() {
                let job = job(&rubric, scenario, seed, &image, scratch.path(), args);
                let name = results::name(&job, &judged).map_err(|error| show_failure(&error))?;
                tasks.push(Task {
                    submission: index,
                    item,
                    name: format!("{}-{name}", submission.name),
                    job,
                    judged: judged.clone(),
                });
                submission.left += 1;
            }
        }
    }
    let origins = Origins {
        args,
        rubric: &rubric,
    };
    if args.jobs.resume {
        tasks.retain(|task| match results.find(&task.name) {
            Some(Kept { report, .. }) => {
                submissions[task.submission].note_run(&origins, task, report);
                false
            }
            None => true,
        });
    }
    let jobs: Vec<Job> = tasks.iter().map(|task| task.job.clone()).collect();
    let label = |task: &Task| format!("{}: {}", submissions[task.submission].name, task.job.file);
    let labels = tasks.iter().map(label).collect();
    let expected_here = named.len();
    let began = reader.read(Entry::Began {
        expected: expected_here,
    });
    let mut grading = Grading::new(
        origins,
        Progress::new(labels),
        tasks,
        submissions,
        results,
        reader,
    );
    grading.note(began);
    grading.tell_complete();
    let was_interrupted = pool.is_interrupted();
    let end = if was_interrupted {
        End::Interrupted
    } else {
        pool.run(&jobs, &mut grading)
    };
    let graded = grading.end(end)?;
    if end == End::Interrupted {
        let all = count(expected_here, "submission");
        eprintln!(
            "interrupted: {} of {all} graded; `--resume` with the same `--out` goes on",
            graded.len()
        );
    }
    let grades = Grades {
        title: rubric.title.clone(),
        expected,
        grades: graded,
    };
    if let Some(out) = &args.jobs.out {
        publish::publish(out, &grades, args.students_see.into())?;
    }
    match end {
        End::Interrupted => Ok(Status::CouldNotTell),
        End::Complete => Ok(status(&grades.grades)),
    }
}

fn job(
    rubric: &Rubric,
    item: &Item,
    seed: Option<u64>,
    image: &GuestImage,
    scratch: &Path,
    args: &GradeArgs,
) -> Job {
    let description = ringside::description();
    Job {
        file: item.file.clone(),
        scenario: item.text.clone(),
        image: image.clone(),
        patience: args.jobs.running.patience(&item.scenario, &description, 1),
        description,
        options: rubric.options.clone(),
        require: rubric.require.clone(),
        limits: rubric.limits.run,
        record: args.record(),
        exploring: args.jobs.exploring(),
        slow: 1,
        seed,
        scratch: scratch.to_owned(),
        confinement: args.jobs.confinement(),
        debugger: None,
    }
}

/// A guest that failed outranks a submission that does not build, and both what could not be told.
pub(super) fn status(grades: &[Placed]) -> Status {
    let outcomes = || {
        let scenarios = grades.iter().flat_map(
            |Placed {
                 grade: Grade { scenarios, .. },
                 ..
             }| scenarios,
        );
        scenarios.map(|scenario| scenario.outcome)
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
