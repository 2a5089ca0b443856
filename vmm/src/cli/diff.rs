//! `vmm diff`: what differs in the named memory of two steps, of one run or of two.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde_json::json;
use vmm::guest::Record;
use vmm::printable::Printable;
use vmm::report::{Document, MemoryMap, PageDifference, Report, page_differences};

use super::single::RunnerArgs;
use super::table::table;
use super::{Shown, Status, print_line};

pub(super) const EXAMPLES: &str = "\
Examples:
  vmm diff scenarios/cow.json:3 scenarios/cow.json:7
                                                 two steps of one run
  vmm diff scenarios/cow.json:7 my/cow.json:7    the same step of two scenarios
  vmm run --memory --format json --kernel mine/kernel scenarios/cow.json > mine.json
  vmm diff scenarios/cow.json:7 mine.json:7      this project's kernel, and another one

Exit status:
  0  there is no difference
  1  there is one
  2  the input is unusable: an argument, a scenario, a report
  4  the harness or the host could not tell, or was interrupted
";

/// What to compare.
#[derive(Args)]
pub(super) struct DiffArgs {
    /// A step of the one: a scenario, which is run, or a report of one run with its memory (`vmm run --memory --format json`); and the step's
    /// number in the report, from 1.
    #[arg(value_name = "FILE:STEP")]
    first: Place,
    /// A step of the other.
    #[arg(value_name = "FILE:STEP")]
    second: Place,
    /// Tell of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    runner: RunnerArgs,
}

/// A step of what is in a file.
#[derive(Clone, Debug)]
struct Place {
    file: PathBuf,
    step: NonZeroUsize,
}

#[derive(Debug, thiserror::Error)]
#[error("expected FILE:STEP, as in `scenarios/cow.json:7`; steps are counted from 1")]
struct NoPlace;

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Place, NoPlace> {
        let (file, step) = text.rsplit_once(':').ok_or(NoPlace)?;
        let step = step.parse().map_err(|_| NoPlace)?;
        match file {
            "" => Err(NoPlace),
            file => Ok(Place {
                file: file.into(),
                step,
            }),
        }
    }
}

pub(super) fn diff(args: &DiffArgs) -> Result<Status, Shown> {
    let places = [&args.first, &args.second];
    let [first_kept, second_kept] = places.map(|place| kept(&place.file));
    let (first_kept, second_kept) = (first_kept?, second_kept?);
    // One run is enough for two steps of a scenario.
    let mut to_run = Vec::new();
    for (place, kept) in places.iter().zip([&first_kept, &second_kept]) {
        if kept.is_none() && !to_run.contains(&place.file) {
            to_run.push(place.file.clone());
        }
    }
    let ran = args.runner.run(&to_run, Record::MEMORY)?;
    let report_of = |place: &Place, kept: Option<Report>| {
        kept.or_else(|| {
            let at = to_run.iter().position(|file| *file == place.file)?;
            Some(ran.get(at)?.clone())
        })
    };
    let (Some(first), Some(second)) = (
        report_of(&args.first, first_kept),
        report_of(&args.second, second_kept),
    ) else {
        return Err(Shown(Status::CouldNotTell));
    };
    let found = page_differences(memory(&args.first, &first)?, memory(&args.second, &second)?);
    let text = if args.json {
        format!("{:#}", json!({ "differences": found }))
    } else {
        told(args, &found)
    };
    print_line(&text)?;
    Ok(match found.is_empty() {
        true => Status::Passed,
        false => Status::GuestFailed,
    })
}

/// The report that a file holds; None when it is something else, or cannot be read, which is told when it is run.
fn kept(file: &Path) -> Result<Option<Report>, Shown> {
    let name = Printable::from(file.display().to_string());
    let text = fs::read_to_string(file).unwrap_or_default();
    let Ok(document) = serde_json::from_str::<Document>(&text) else {
        return Ok(None);
    };
    match <[Report; 1]>::try_from(document.reports) {
        Ok([report]) => Ok(Some(report)),
        Err(reports) => {
            eprintln!(
                "error: {name} tells of {} runs, and a step of one is to be compared; make it with a single scenario",
                reports.len()
            );
            Err(Shown(Status::UnusableInput))
        }
    }
}

/// What memory was like after the step of a place.
fn memory<'a>(place: &Place, report: &'a Report) -> Result<&'a MemoryMap, Shown> {
    let name = Printable::from(place.file.display().to_string());
    let steps = || report.lines.iter().filter(|line| line.memory.is_some());
    let found = steps().find(|line| line.step == Some(place.step.get()));
    if let Some(memory) = found.and_then(|line| line.memory.as_ref()) {
        return Ok(memory);
    }
    let last = steps().filter_map(|line| line.step).max();
    match last {
        _ if steps().count() == 0 => eprintln!(
            "error: {name} has no memory of any step; make the report with `vmm run --memory --format json`"
        ),
        Some(last) => eprintln!(
            "error: there is no memory of step {} in {name}, only of steps up to {last}; its verdict is {}",
            place.step,
            report.verdict.word()
        ),
        None => eprintln!(
            "error: {name} ended before its first step; its verdict is {}",
            report.verdict.word()
        ),
    }
    Err(Shown(Status::UnusableInput))
}

fn told(args: &DiffArgs, found: &[PageDifference]) -> String {
    if found.is_empty() {
        return "no difference in the memory that steps name".to_owned();
    }
    let headings = [&args.first, &args.second].map(|place| {
        let name = Printable::from(place.file.display().to_string());
        format!("{name}:{}", place.step)
    });
    let mut table = table(&["page", &headings[0], &headings[1]], 0);
    for difference in found {
        table.add_row([
            difference.to_string(),
            difference.first.clone(),
            difference.second.clone(),
        ]);
    }
    table.trim_fmt()
}
