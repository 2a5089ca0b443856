//! What runs are told as: text as results come, or one JSON document at the end.

use std::io;

use serde::Serialize;
use vmm::journal::{Entry, Reader};
use vmm::printable;
use vmm::report::text::{Colour, Detail, count, log, render, summary};
use vmm::report::{Report, Verdict};

use super::print;

/// How much of a run the text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// One line.
    Quiet,
    /// As much as the detail says.
    Told(Detail),
}

/// Tells runs as text.
pub(super) struct Text {
    pub(super) colour: Colour,
    pub(super) length: Length,
    /// Whether what the kernel logged is told.
    pub(super) log: bool,
    /// Verdicts so far.
    pub(super) verdicts: Vec<Verdict>,
    /// Runs that there are to be.
    pub(super) expected: usize,
}

impl Reader for Text {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        match entry {
            Entry::Began { expected } => {
                self.expected = expected;
                Ok(())
            }
            Entry::RunEnded { report, .. } => {
                self.verdicts.push(report.verdict);
                self.run(report)
            }
            Entry::Ended { interrupted } => {
                if interrupted {
                    let (done, expected) = (self.verdicts.len(), count(self.expected, "scenario"));
                    eprintln!("interrupted: {done} of {expected} finished");
                }
                if self.verdicts.len() > 1 {
                    print(&self.total())
                } else {
                    Ok(())
                }
            }
            Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. }
            | Entry::SubmissionEnded { .. } => Ok(()),
        }
    }
}

impl Text {
    fn run(&self, report: &Report) -> io::Result<()> {
        print(&match self.length {
            Length::Quiet => summary(report, self.colour),
            Length::Told(detail) => render(report, self.colour, detail),
        })?;
        if self.log {
            print(&log(report))?;
        }
        match &report.states {
            Some(states) => print(&format!("\n{states}")),
            None => Ok(()),
        }
    }

    fn total(&self) -> String {
        let number = |verdict| self.verdicts.iter().filter(|other| **other == verdict).count();
        format!(
            "\n{}: {} passed, {} failed, {} broken",
            count(self.verdicts.len(), "scenario"),
            number(Verdict::Pass),
            number(Verdict::Fail),
            number(Verdict::Broken)
        )
    }
}

/// Tells runs as JSON.
#[derive(Default)]
pub(super) struct Json {
    reports: Vec<Report>,
}

impl Reader for Json {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        match entry {
            Entry::RunEnded { report, .. } => {
                self.reports.push(report.clone());
                Ok(())
            }
            Entry::Ended { .. } => print(&self.document()),
            Entry::Began { .. }
            | Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. }
            | Entry::SubmissionEnded { .. } => Ok(()),
        }
    }
}

impl Json {
    fn document(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            verdict: Verdict,
            reports: &'a [Report],
        }
        let verdicts = self.reports.iter().map(|report| report.verdict);
        let document = serde_json::to_string_pretty(&Document {
            verdict: verdicts.max().unwrap_or(Verdict::Broken),
            reports: &self.reports,
        });
        printable::json(&document.expect("a report has no maps with keys of other types"))
    }
}
