//! Everything that a call told, for forms that are written at its end.

use std::io;

use super::{Judged, Outcome, Report, Verdict};
use crate::grade::{Build, Grade, Points, ScenarioGrade, Visibility};
use crate::journal::{Entry, Reader};
use crate::printable::Printable;

/// Everything that a call told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The runs of a call of `run`.
    pub(super) reports: Vec<Report>,
    /// The submissions of a call of `grade`.
    pub(super) grades: Vec<Grade>,
    /// Whether somebody ended the call before everything was done.
    pub(super) interrupted: bool,
}

/// A group of scenarios that are told together: those of one call of `run`, or of one submission.
#[derive(Clone, Copy, Debug)]
pub(super) enum Group<'a> {
    /// A call of `run`.
    Runs(&'a [Report]),
    /// A submission.
    Submission(&'a Grade),
}

/// What came of one scenario.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// The scenario's name.
    pub(super) scenario: &'a Printable,
    /// What became of it.
    pub(super) outcome: Outcome,
    /// What it is worth, when it is graded.
    pub(super) grade: Option<&'a ScenarioGrade>,
    /// The run, when there was one.
    pub(super) report: Option<&'a Report>,
}

impl Told {
    /// Takes note of an entry.
    pub(super) fn note(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::RunEnded { report, .. } => self.reports.push(report.clone()),
            Entry::SubmissionEnded { grade } => self.grades.push(grade.clone()),
            Entry::Ended { interrupted } => self.interrupted = interrupted,
            Entry::Began { .. }
            | Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. } => {}
        }
    }

    /// What is to be thought of all of it. What was interrupted, or is nothing, passes never.
    pub(super) fn verdict(&self) -> Verdict {
        let verdicts = self.groups();
        let verdicts = verdicts.flat_map(Group::cases).map(|case| case.outcome.verdict());
        let verdict = verdicts.max().unwrap_or(Verdict::Broken);
        if self.interrupted {
            verdict.max(Verdict::Broken)
        } else {
            verdict
        }
    }

    /// The submissions, or else the runs as one group.
    pub(super) fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let runs = self.grades.is_empty().then_some(Group::Runs(&self.reports));
        runs.into_iter().chain(self.grades.iter().map(Group::Submission))
    }
}

impl<'a> Group<'a> {
    /// The submission's name.
    pub(super) fn submission(self) -> Option<&'a Printable> {
        match self {
            Group::Runs(_) => None,
            Group::Submission(grade) => Some(&grade.submission),
        }
    }

    /// Why there is nothing to run, when the submission could not be built.
    pub(super) fn not_built(self) -> Option<&'a Printable> {
        match self {
            Group::Submission(Grade {
                build: Build::Failed { why } | Build::Broken { why },
                ..
            }) => Some(why),
            Group::Runs(_)
            | Group::Submission(Grade {
                build: Build::Done, ..
            }) => None,
        }
    }

    /// Its scenarios.
    pub(super) fn cases(self) -> impl Iterator<Item = Case<'a>> {
        let (reports, grades): (&[Report], &[ScenarioGrade]) = match self {
            Group::Runs(reports) => (reports, &[]),
            Group::Submission(grade) => (&[], &grade.scenarios),
        };
        let reports = reports.iter().map(|report| Case {
            scenario: &report.scenario,
            outcome: report.outcome(),
            grade: None,
            report: Some(report),
        });
        reports.chain(grades.iter().map(|grade| Case {
            scenario: &grade.scenario,
            outcome: grade.outcome,
            grade: Some(grade),
            report: grade.report.as_deref(),
        }))
    }

    /// What was judged in it, each told once.
    pub(super) fn judged(self) -> Vec<&'a Judged> {
        let mut all: Vec<&Judged> = Vec::new();
        for judged in self.cases().filter_map(|case| case.report?.judged.as_ref()) {
            if !all.contains(&judged) {
                all.push(judged);
            }
        }
        all
    }

    /// How many of its scenarios have this verdict.
    pub(super) fn number(self, verdict: Verdict) -> usize {
        let has = |case: &Case<'_>| case.outcome.verdict() == verdict;
        self.cases().filter(has).count()
    }

    /// Points that it gets, and that it could get.
    pub(super) fn points(self) -> (Points, Points) {
        let sum = |points: fn(&Case<'a>) -> Points| self.cases().map(|case| points(&case)).sum();
        (sum(Case::points), sum(Case::most_points))
    }
}

impl Case<'_> {
    /// Points that it gives: outside of a grading, 1 when it passed.
    pub(super) fn points(&self) -> Points {
        match (self.grade, self.outcome.verdict()) {
            (Some(grade), _) => grade.points,
            (None, Verdict::Pass) => Points::ONE,
            (None, Verdict::Fail | Verdict::Broken) => Points::default(),
        }
    }

    /// Points that it could give: outside of a grading, 1.
    pub(super) fn most_points(&self) -> Points {
        self.grade.map_or(Points::ONE, |grade| grade.most_points)
    }

    /// Who may see it.
    pub(super) fn visibility(&self) -> Visibility {
        self.grade
            .map_or_else(Visibility::default, |grade| grade.visibility)
    }

    /// In a line, what is wrong: what the grade says, or else the first finding.
    pub(super) fn why(&self) -> String {
        let first = self.report.and_then(|report| report.findings().next());
        match (self.grade, first) {
            (Some(grade), _) if !grade.why.is_empty() => grade.why.to_string(),
            (_, Some(finding)) => finding.on_one_line(),
            (_, None) if self.outcome.verdict() == Verdict::Pass => String::new(),
            (_, None) => self.outcome.to_string(),
        }
    }
}

/// Collects everything, and writes it at the end of the call.
pub(super) struct AtEnd<W> {
    told: Told,
    render: fn(&Told) -> io::Result<String>,
    out: W,
}

impl<W: io::Write> AtEnd<W> {
    pub(super) fn new(out: W, render: fn(&Told) -> io::Result<String>) -> Self {
        let told = Told::default();
        Self { told, render, out }
    }
}

impl<W: io::Write> Reader for AtEnd<W> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        self.told.note(entry);
        if let Entry::Ended { .. } = entry {
            let text = (self.render)(&self.told)?;
            self.out.write_all(text.as_bytes())?;
            self.out.flush()?;
        }
        Ok(())
    }
}
