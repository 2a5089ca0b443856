//! The report as text: for each step what was done and what came of it; where something is wrong, what was expected and
//! what was found. Each run is told when it has ended.

use std::fmt::Write;
use std::io;

use super::grades;
use super::told::Group;
use super::{ClauseLine, ClauseOutcome, ExpectationLine, Judged, Line, Report, Style, Verdict};
use crate::finding::Finding;
use crate::journal::{Entry, Reader};
use crate::judge::NotJudged;
use crate::printable::Printable;

/// Whether the text may hold terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Never: for files, pipes and snapshots.
    Plain,
    /// ANSI colours.
    Ansi,
}

/// How much of a passing run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Every step.
    Full,
    /// The verdict; of a run that did not pass, everything.
    Verdict,
    /// The verdict alone.
    Line,
}

/// What is told of what the kernel logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelLog {
    /// Nothing.
    Untold,
    /// All of it that is kept.
    Told,
}

/// Tells runs and grades as text.
pub(super) struct TextReader<W> {
    style: Style,
    out: W,
    verdicts: Vec<Verdict>,
    /// Submissions that were graded, and scenarios of theirs that could not be judged.
    graded: usize,
    undecided: usize,
    /// What the last run judged that told of it; another one is told when it differs.
    judged: Option<Judged>,
}

impl<W> TextReader<W> {
    pub(super) fn new(style: Style, out: W) -> Self {
        Self {
            style,
            out,
            verdicts: Vec::new(),
            graded: 0,
            undecided: 0,
            judged: None,
        }
    }
}

impl<W: io::Write> TextReader<W> {
    /// A quiet line above the first run that it is about, unless only verdicts are wanted.
    fn tell_judged(&mut self, judged: Option<&Judged>) -> io::Result<()> {
        if self.judged.as_ref() == judged {
            return Ok(());
        }
        self.judged = judged.cloned();
        match (self.style.detail, judged) {
            (Detail::Line, _) | (_, None) => Ok(()),
            (Detail::Full | Detail::Verdict, Some(judged)) => {
                writeln!(self.out, "{}\n", self.judging(judged))
            }
        }
    }

    fn judging(&self, judged: &Judged) -> String {
        let paint = Paint {
            colour: self.style.colour,
        };
        paint.dim(&format!("judging {judged}"))
    }
}

impl<W: io::Write> Reader for TextReader<W> {
    fn read(&mut self, entry: Entry<'_>) -> io::Result<()> {
        match entry {
            Entry::RunEnded { report, .. } => {
                self.verdicts.push(report.verdict);
                self.tell_judged(report.judged.as_ref())?;
                let text = run(report, self.style);
                self.out.write_all(text.as_bytes())?;
            }
            Entry::SubmissionEnded { grade } => {
                self.graded += 1;
                self.undecided += grade.undecided().count();
                let judged = Group::Submission(grade).judged();
                let judged = judged.into_iter().map(|judged| self.judging(judged));
                let judged: Vec<String> = judged.collect();
                self.out
                    .write_all(grades::submission(grade, &judged).as_bytes())?;
            }
            Entry::Ended { interrupted } => {
                let end = if interrupted { "; interrupted" } else { "" };
                if self.graded > 0 {
                    let total = grades::total(self.graded, self.undecided);
                    writeln!(self.out, "{total}{end}")?;
                } else if self.verdicts.len() > 1 || interrupted {
                    writeln!(self.out, "{}{end}", total(&self.verdicts))?;
                }
            }
            Entry::Began { .. }
            | Entry::RunBegan { .. }
            | Entry::StepDone { .. }
            | Entry::Found { .. }
            | Entry::SubmissionBegan { .. }
            | Entry::Built { .. }
            | Entry::ScenarioGraded { .. } => {}
        }
        self.out.flush()
    }
}

fn run(report: &Report, style: Style) -> String {
    let mut text = render(report, style.colour, style.detail);
    match style.log {
        KernelLog::Untold => {}
        KernelLog::Told => text += &(log(report) + "\n"),
    }
    if let Some(states) = &report.states {
        let _ = writeln!(text, "\n{}", states.trim_end());
    }
    text
}

fn total(verdicts: &[Verdict]) -> String {
    let number = |verdict| verdicts.iter().filter(|other| **other == verdict).count();
    format!(
        "\n{}: {} passed, {} failed, {} broken",
        count(verdicts.len(), "scenario"),
        number(Verdict::Pass),
        number(Verdict::Fail),
        number(Verdict::Broken)
    )
}

/// The report as text, ending in a newline, without the log.
#[must_use]
pub fn render(report: &Report, colour: Colour, detail: Detail) -> String {
    let mut text = String::new();
    let is_told = match detail {
        Detail::Full => true,
        Detail::Verdict => report.verdict != Verdict::Pass,
        Detail::Line => false,
    };
    if is_told {
        let paint = Paint { colour };
        let _ = writeln!(
            text,
            "{}\n  {}\n",
            paint.bold(&report.scenario.to_string()),
            report.description.below("  ")
        );
        if let Some(seed) = report.seed {
            let _ = writeln!(text, "  contents and places drawn by --vary {seed}\n");
        }
        report.lines.iter().for_each(|line| paint.line(&mut text, line));
        text.push('\n');
        if let Some(explored) = &report.explored {
            text.push_str(&explored.told());
        }
        if !report.warehouses.is_empty() {
            for line in &report.warehouses {
                let _ = writeln!(text, "{line}");
            }
            text.push('\n');
        }
        if !report.not_judged.is_empty() {
            let _ = writeln!(text, "not judged on this guest:");
            for NotJudged { rule, needs } in &report.not_judged {
                let _ = writeln!(text, "  {rule} (needs {needs})");
            }
            text.push('\n');
        }
        if !report.clauses.is_empty() {
            report
                .clauses
                .iter()
                .for_each(|line| paint.clause(&mut text, line));
            text.push('\n');
        }
    }
    text.push_str(&summary(report, colour));
    text
}

/// One line of the report, with what it expects and what is wrong: what a step did and what came of it.
#[must_use]
pub fn step(line: &Line, colour: Colour) -> String {
    let mut text = String::new();
    Paint { colour }.line(&mut text, line);
    text
}

/// The verdict on one line.
#[must_use]
pub fn summary(report: &Report, colour: Colour) -> String {
    let paint = Paint { colour };
    let word = report.verdict.word();
    let verdict = match report.verdict {
        Verdict::Pass => paint.green(word),
        Verdict::Fail | Verdict::Broken => paint.red(word),
    };
    let steps = report.lines.iter().filter(|line| line.step.is_some()).count();
    let expectations: usize = report.lines.iter().map(|line| line.expectations.len()).sum();
    let findings = report.findings().count();
    let mut text = format!(
        "{verdict} {}: {}, {}, {}",
        report.scenario,
        count(steps, "step"),
        count(expectations, "expectation"),
        count(findings, "finding"),
    );
    if report.steps_not_run > 0 {
        let _ = write!(text, "; {} not run", count(report.steps_not_run, "step"));
    }
    text.push('\n');
    text
}

/// What the kernel logged, line by line, under an empty line; nothing when it logged nothing.
#[must_use]
pub fn log(report: &Report) -> String {
    let mut text = String::new();
    for line in &report.log {
        let _ = write!(text, "\n  kernel: {}", line.below("          "));
    }
    text
}

/// `1 step`, `2 steps`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

struct Paint {
    colour: Colour,
}

impl Paint {
    fn line(&self, text: &mut String, line: &Line) {
        let number = line.step.map_or_else(String::new, |step| step.to_string());
        let mark = self.mark(line.all_findings().next().is_none());
        let _ = write!(text, "{number:>4}  {mark}  {}", line.what);
        self.result(text, &line.result.to_string());
        if let Some(name) = line.trace.as_ref().and_then(|trace| trace.name.as_ref()) {
            let _ = writeln!(text, "          recorded as {name}");
        }
        self.output(text, &line.output);
        line.expectations
            .iter()
            .for_each(|expectation| self.expectation(text, expectation));
        line.findings
            .iter()
            .for_each(|finding| self.finding(text, finding));
    }

    /// The first lines of what a program printed.
    fn output(&self, text: &mut String, output: &Printable) {
        let lines: Vec<&str> = output.lines().collect();
        for line in lines.iter().take(OUTPUT_LINES) {
            let _ = writeln!(text, "          {} {line}", self.dim("|"));
        }
        match lines.len().saturating_sub(OUTPUT_LINES) {
            0 => {}
            further => {
                let further = format!("and {} (--format json has all)", count(further, "further line"));
                let _ = writeln!(text, "          {}", self.dim(&further));
            }
        }
    }

    fn expectation(&self, text: &mut String, expectation: &ExpectationLine) {
        let mark = self.mark(expectation.findings.is_empty());
        let found = expectation.found.to_string();
        let _ = write!(text, "          {mark}  {}", expectation.what);
        self.result(
            text,
            if expectation.findings.is_empty() {
                &found
            } else {
                ""
            },
        );
        expectation
            .findings
            .iter()
            .for_each(|finding| self.finding(text, finding));
    }

    fn result(&self, text: &mut String, result: &str) {
        if !result.is_empty() && result != "done" {
            let _ = write!(text, "  {}", self.dim(&format!("[{result}]")));
        }
        text.push('\n');
    }

    fn finding(&self, text: &mut String, finding: &Finding) {
        let _ = writeln!(text, "              {}", self.red(&finding.place.to_string()));
        let _ = writeln!(text, "                rule      {}", finding.rule);
        let _ = writeln!(
            text,
            "                expected  {}",
            finding.expected.below(BELOW)
        );
        let _ = writeln!(text, "                found     {}", finding.found.below(BELOW));
        for clause in &finding.clauses {
            let clause = Printable::from(clause.to_string());
            let _ = writeln!(text, "                clause    {clause}");
        }
    }

    fn clause(&self, text: &mut String, line: &ClauseLine) {
        let outcome = line.outcome.to_string();
        let outcome = match line.outcome {
            ClauseOutcome::Pass => self.green(&outcome),
            ClauseOutcome::NotRun => self.dim(&outcome),
            ClauseOutcome::Broken | ClauseOutcome::Fail => self.red(&outcome),
        };
        let clause = Printable::from(line.clause.to_string());
        let _ = writeln!(text, "clause {clause}: {outcome}");
    }

    fn mark(&self, good: bool) -> String {
        if good {
            self.green("ok  ")
        } else {
            self.red("FAIL")
        }
    }

    fn bold(&self, text: &str) -> String {
        self.escape("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.escape("2", text)
    }

    fn red(&self, text: &str) -> String {
        self.escape("31", text)
    }

    fn green(&self, text: &str) -> String {
        self.escape("32", text)
    }

    fn escape(&self, code: &str, text: &str) -> String {
        match self.colour {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}

/// Most lines of what a program prints that are told.
const OUTPUT_LINES: usize = 20;

/// What stands before further lines of something expected or found.
const BELOW: &str = "                          ";
