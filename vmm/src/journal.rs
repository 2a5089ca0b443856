//! What happens while scenarios run and submissions are graded: one stream of typed entries.
//!
//! Every form in which it is told, the terminal's text included, is a [`Reader`] of the stream; no reader knows another, and none asks
//! for more than the entries hold. Entries come in the order of the call, whichever run ends first: those of one run, or of one
//! submission, are never mixed with those of another.
//!
//! | of each | entries |
//! |---|---|
//! | call of `run` | [`Entry::Began`], the runs, [`Entry::Ended`] |
//! | run | [`Entry::RunBegan`], [`Entry::StepDone`] for each line, [`Entry::Found`] after its line for each finding, [`Entry::RunEnded`] |
//! | call of `grade` | [`Entry::Began`], the submissions, [`Entry::Ended`] |
//! | submission | [`Entry::SubmissionBegan`], [`Entry::Built`], [`Entry::ScenarioGraded`] for each, [`Entry::SubmissionEnded`] |

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use crate::finding::Finding;
use crate::grade::{Build, Grade, ScenarioGrade};
use crate::printable::Printable;
use crate::report::{Line, Outcome, Report};

/// Something that happened.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry<'a> {
    /// The call begins.
    Began {
        /// How many runs or submissions there will be.
        expected: usize,
    },
    /// A run begins.
    RunBegan {
        /// The scenario's name.
        scenario: &'a Printable,
        /// What the scenario shows.
        description: &'a Printable,
    },
    /// A step is done, or what the harness does by itself.
    StepDone {
        /// The scenario's name.
        scenario: &'a Printable,
        /// What was done, and what came of it, its findings included.
        line: &'a Line,
    },
    /// Something is not as it must be.
    Found {
        /// The scenario's name.
        scenario: &'a Printable,
        /// Number of the step, from 1; None for what the harness does by itself.
        step: Option<usize>,
        /// What it is.
        finding: &'a Finding,
    },
    /// A run has ended.
    RunEnded {
        /// What became of it.
        outcome: Outcome,
        /// All that is told of it, the lines again included.
        report: &'a Report,
    },
    /// A submission is begun.
    SubmissionBegan {
        /// Its name.
        submission: &'a Printable,
    },
    /// A submission has been built, or could not be.
    Built {
        /// Its name.
        submission: &'a Printable,
        /// What came of it.
        build: &'a Build,
    },
    /// A scenario of the rubric has been run on a submission, and has its points.
    ScenarioGraded {
        /// The submission's name.
        submission: &'a Printable,
        /// What came of it.
        scenario: &'a ScenarioGrade,
    },
    /// A submission is graded.
    SubmissionEnded {
        /// Its grade, the scenarios again included.
        grade: &'a Grade,
    },
    /// The call has ended.
    Ended {
        /// Whether somebody ended it before everything was done.
        interrupted: bool,
    },
}

/// Whoever tells what happens.
pub trait Reader {
    /// Takes note of an entry, and tells of it now or later.
    ///
    /// # Errors
    /// What it is told to cannot be written.
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()>;
}

/// Tells a reader of a run that has ended, from its beginning.
///
/// # Errors
/// As [`Reader::read`].
pub fn tell_run(report: &Report, reader: &mut dyn Reader) -> io::Result<()> {
    let scenario = &report.scenario;
    reader.read(Entry::RunBegan {
        scenario,
        description: &report.description,
    })?;
    for line in &report.lines {
        reader.read(Entry::StepDone { scenario, line })?;
        for finding in line.all_findings() {
            let step = line.step;
            reader.read(Entry::Found {
                scenario,
                step,
                finding,
            })?;
        }
    }
    reader.read(Entry::RunEnded {
        outcome: report.outcome(),
        report,
    })
}

/// Tells a reader of a submission that is graded, from its beginning.
///
/// # Errors
/// As [`Reader::read`].
pub fn tell_submission(grade: &Grade, reader: &mut dyn Reader) -> io::Result<()> {
    let submission = &grade.submission;
    reader.read(Entry::SubmissionBegan { submission })?;
    reader.read(Entry::Built {
        submission,
        build: &grade.build,
    })?;
    for scenario in &grade.scenarios {
        reader.read(Entry::ScenarioGraded { submission, scenario })?;
    }
    reader.read(Entry::SubmissionEnded { grade })
}
