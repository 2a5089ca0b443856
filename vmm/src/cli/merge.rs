//! `vmm merge`: results of several calls, told as those of one.

use std::path::PathBuf;

use clap::Args;
use vmm::journal::{Entry, Reader, tell_run};
use vmm::report::text::{Detail, KernelLog};
use vmm::results;

use super::formats::FormatArgs;
use super::{Shown, Status, show_as, show_failure};

/// Whose results to tell.
#[derive(Args)]
pub(super) struct MergeArgs {
    /// Folders that were given to `--out`.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    #[command(flatten)]
    formats: FormatArgs,
}

/// Tells of all runs in the order of the call that they are parts of.
pub(super) fn merge(args: &MergeArgs) -> Result<Status, Shown> {
    let mut merged = results::merge(&args.folders).map_err(|error| show_failure(&error))?;
    merged.iter_mut().for_each(|kept| kept.report.states = None);
    let mut readers = args.formats.readers(Detail::Verdict, KernelLog::Untold)?;
    let expected = merged.len();
    let told = readers
        .read(Entry::Began { expected })
        .and_then(|()| {
            merged
                .iter()
                .try_for_each(|kept| tell_run(&kept.report, &mut readers))
        })
        .and_then(|()| readers.read(Entry::Ended { interrupted: false }));
    told.map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let verdicts = merged.iter().map(|kept| kept.report.verdict);
    Ok(verdicts.max().map_or(Status::CouldNotTell, Status::from))
}
