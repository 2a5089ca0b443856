//! `vmm merge`: results of several calls, told as those of one.

use std::path::PathBuf;

use clap::Args;
use vmm::journal::{Entry, Reader, tell_run};
use vmm::report::text::Detail;
use vmm::results;

use super::run::{Format, colour};
use super::tell::{Json, Length, Text};
use super::{Shown, Status, show_as, show_failure};

/// Whose results to tell.
#[derive(Args)]
pub(super) struct MergeArgs {
    /// Folders that were given to `--out`.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// How to report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Tells of all runs in the order of the call that they are parts of.
pub(super) fn merge(args: &MergeArgs) -> Result<Status, Shown> {
    let mut merged = results::merge(&args.folders).map_err(|error| show_failure(&error))?;
    merged.iter_mut().for_each(|kept| kept.report.states = None);
    let mut reader: Box<dyn Reader> = match args.format {
        Format::Json => Box::new(Json::default()),
        Format::Text => Box::new(Text {
            colour: colour(),
            length: Length::Told(Detail::Verdict),
            log: false,
            verdicts: Vec::new(),
            expected: 0,
        }),
    };
    let expected = merged.len();
    let told = reader
        .read(Entry::Began { expected })
        .and_then(|()| {
            merged
                .iter()
                .try_for_each(|kept| tell_run(&kept.report, &mut *reader))
        })
        .and_then(|()| reader.read(Entry::Ended { interrupted: false }));
    told.map_err(|error| show_as(Status::CouldNotTell, &error))?;
    let verdicts = merged.iter().map(|kept| kept.report.verdict);
    Ok(verdicts.max().map_or(Status::CouldNotTell, Status::from))
}
