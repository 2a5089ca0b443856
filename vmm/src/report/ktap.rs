//! KTAP, the format in which tests of the Linux kernel tell their results: <https://docs.kernel.org/dev-tools/ktap.html>.
//!
//! A scenario is a test whose subtests are its steps, and a check is one whose subtests are its expectations. Findings are diagnostic
//! lines before the result that they explain. What could not be told is `not ok` with the directive `ERROR`, never a skip: a skip
//! counts as passed.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{ExpectationLine, Line, Outcome, Report, Verdict};
use crate::finding::Finding;
use crate::grade::{Build, Grade, ScenarioGrade};
use crate::journal::{Entry, Reader};

const HEADER: &str = "KTAP version 1";
/// How far subtests are indented.
const INDENT: &str = "  ";

pub(super) struct Ktap<W> {
    out: W,
    /// Tests of the top level so far.
    tests: usize,
}

impl<W> Ktap<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, tests: 0 }
    }
}

impl<W: Write> Reader for Ktap<W> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        let text = match entry {
            Entry::Began { expected } => format!("{HEADER}\n1..{expected}\n"),
            Entry::RunEnded { report, outcome } => {
                self.tests += 1;
                scenario(self.tests, &report.scenario, outcome, Some(report)).text()
            }
            Entry::SubmissionEnded { grade } => {
                self.tests += 1;
                submission(self.tests, grade).text()
            }
            Entry::Ended { interrupted: true } => "Bail out! The call was interrupted.\n".to_owned(),
            Entry::Ended { interrupted: false }
            | Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. } => return Ok(()),
        };
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// A test with its subtests.
struct Test {
    number: usize,
    name: String,
    verdict: Verdict,
    /// Why it could not be told.
    doubt: String,
    diagnostics: Vec<String>,
    subtests: Vec<Test>,
}

impl Test {
    fn text(&self) -> String {
        let mut text = String::new();
        self.write("", &mut text);
        text
    }

    fn write(&self, indent: &str, text: &mut String) {
        if !self.subtests.is_empty() {
            let below = format!("{indent}{INDENT}");
            let _ = writeln!(text, "{below}{HEADER}\n{below}# Subtest: {}", self.name);
            let _ = writeln!(text, "{below}1..{}", self.subtests.len());
            self.subtests.iter().for_each(|test| test.write(&below, text));
        }
        for line in &self.diagnostics {
            let _ = writeln!(text, "{indent}# {line}");
        }
        let (result, directive) = match self.verdict {
            Verdict::Pass => ("ok", String::new()),
            Verdict::Fail => ("not ok", String::new()),
            Verdict::Broken => ("not ok", format!(" # ERROR {}", self.doubt)),
        };
        let _ = writeln!(text, "{indent}{result} {} {}{directive}", self.number, self.name);
    }
}

fn submission(number: usize, grade: &Grade) -> Test {
    let subtests: Vec<Test> = (1..)
        .zip(&grade.scenarios)
        .map(|(number, grade)| graded(number, grade))
        .collect();
    let build = match &grade.build {
        Build::Done => None,
        Build::Failed { why } => Some((Verdict::Fail, why)),
        Build::Broken { why } => Some((Verdict::Broken, why)),
    };
    let built = build.map(|(verdict, _)| verdict);
    let verdict = subtests.iter().map(|test| test.verdict).chain(built).max();
    Test {
        number,
        name: description(&grade.submission.to_string()),
        verdict: verdict.unwrap_or(Verdict::Broken),
        doubt: "not everything could be judged".to_owned(),
        diagnostics: build
            .into_iter()
            .map(|(_, why)| format!("not built: {why}"))
            .chain([format!("{} of {} points", grade.points, grade.most_points)])
            .collect(),
        subtests,
    }
}

fn graded(number: usize, grade: &ScenarioGrade) -> Test {
    let mut test = scenario(number, &grade.scenario, grade.outcome, grade.report.as_deref());
    let points = format!("{} of {} points", grade.points, grade.most_points);
    test.diagnostics.push(points);
    if !grade.why.is_empty() {
        test.diagnostics.push(grade.why.to_string());
    }
    test
}

fn scenario(number: usize, name: &str, outcome: Outcome, report: Option<&Report>) -> Test {
    let mut subtests: Vec<Test> = Vec::new();
    if let Some(report) = report {
        let lines = (1..).zip(&report.lines);
        subtests.extend(lines.map(|(number, line)| step(number, report, line)));
    }
    let judged = report.and_then(|report| report.judged.as_ref());
    let judged = judged.map(|judged| format!("judged {judged}"));
    let not_run = report.map_or(0, |report| report.steps_not_run);
    if not_run > 0 {
        subtests.push(Test {
            number: subtests.len() + 1,
            name: super::text::count(not_run, "further step"),
            verdict: Verdict::Broken,
            doubt: "not run".to_owned(),
            diagnostics: Vec::new(),
            subtests: Vec::new(),
        });
    }
    Test {
        number,
        name: description(name),
        verdict: outcome.verdict(),
        doubt: outcome.to_string(),
        diagnostics: match outcome.verdict() {
            Verdict::Pass => Vec::new(),
            Verdict::Fail | Verdict::Broken => vec![outcome.to_string()],
        }
        .into_iter()
        .chain(judged)
        .collect(),
        subtests,
    }
}

fn step(number: usize, report: &Report, line: &Line) -> Test {
    let numbered = (1..).zip(&line.expectations);
    Test {
        number,
        name: description(&line.what.to_string()),
        verdict: report.verdict_of(line.all_findings()),
        doubt: "could not be told".to_owned(),
        diagnostics: line.findings.iter().map(diagnostic).collect(),
        subtests: numbered
            .map(|(number, each)| expectation(number, report, each))
            .collect(),
    }
}

fn expectation(number: usize, report: &Report, line: &ExpectationLine) -> Test {
    Test {
        number,
        name: description(&line.what.to_string()),
        verdict: report.verdict_of(line.findings.iter()),
        doubt: "could not be told".to_owned(),
        diagnostics: line.findings.iter().map(diagnostic).collect(),
        subtests: Vec::new(),
    }
}

fn diagnostic(finding: &Finding) -> String {
    let clauses: Vec<String> = finding
        .clauses
        .iter()
        .map(|clause| format!("; clause {clause}"))
        .collect();
    format!("{}{}", finding.on_one_line(), clauses.concat())
}

/// A test's description. A number sign would begin a directive, and there is no way to say that it does not.
fn description(text: &str) -> String {
    text.replace('#', "\u{ff03}")
}
