//! `vmm merge`: results of several calls, of `run` or of `grade`, told as those of one.

use std::io;
use std::path::PathBuf;

use clap::Args;
use vmm::grade::Grades;
use vmm::journal::{Entry, Reader, tell_run, tell_submission};
use vmm::report::Readers;
use vmm::report::text::{Detail, KernelLog, count};
use vmm::results;

use super::formats::FormatArgs;
use super::grade::publish::publish;
use super::grade::{StudentsSee, status};
use super::{Shown, Status, show, show_as, show_failure};

/// Whose results to tell.
#[derive(Args)]
pub(super) struct MergeArgs {
    /// Folders that were given to `--out`.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
    /// Write the pages and files of the grades of all parts to this folder, as `vmm grade` does with the same option.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When students look at the pages that `--out` writes for them: which scenarios they see.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "before-due-date",
        requires = "out"
    )]
    students_see: StudentsSee,
}

/// Tells of everything in the order of the call that it is a part of.
pub(super) fn merge(args: &MergeArgs) -> Result<Status, Shown> {
    if args.folders.iter().any(|folder| Grades::are_in(folder)) {
        return grades(args);
    }
    if args.out.is_some() {
        eprintln!("error: `--out` is for grades, and these folders have results of runs");
        return Err(Shown(Status::UnusableInput));
    }
    runs(args)
}

fn grades(args: &MergeArgs) -> Result<Status, Shown> {
    let merged = Grades::merge(&args.folders).map_err(|error| show(&error))?;
    args.formats.check_submissions(merged.grades.len())?;
    tell(args, &merged.grades, |placed, readers| {
        tell_submission(&placed.grade, readers)
    })?;
    if let Some(out) = &args.out {
        publish(out, &merged, args.students_see.into())?;
    }
    match merged.missing() {
        0 => Ok(status(&merged.grades)),
        missing => {
            let all = count(merged.expected, "submission");
            eprintln!("{missing} of {all} are in none of these folders");
            Ok(Status::CouldNotTell)
        }
    }
}

fn runs(args: &MergeArgs) -> Result<Status, Shown> {
    let mut merged = results::merge(&args.folders).map_err(|error| show_failure(&error))?;
    merged.iter_mut().for_each(|kept| kept.report.states = None);
    tell(args, &merged, |kept, readers| tell_run(&kept.report, readers))?;
    let verdicts = merged.iter().map(|kept| kept.report.verdict);
    Ok(verdicts.max().map_or(Status::CouldNotTell, Status::from))
}

/// Tells of all, one after the other, as of one call.
fn tell<T>(
    args: &MergeArgs,
    all: &[T],
    tell_one: impl Fn(&T, &mut Readers<'_>) -> io::Result<()>,
) -> Result<(), Shown> {
    let mut readers = args.formats.readers(Detail::Verdict, KernelLog::Untold)?;
    let expected = all.len();
    let told = readers
        .read(Entry::Began { expected })
        .and_then(|()| all.iter().try_for_each(|one| tell_one(one, &mut readers)))
        .and_then(|()| readers.read(Entry::Ended { interrupted: false }));
    told.map_err(|error| show_as(Status::CouldNotTell, &error))
}
