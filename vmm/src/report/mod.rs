//! What is told about a run, and the forms in which it is told: one module for each [`Format`], all of the same facts.
//!
//! A form is a [`Reader`](crate::journal::Reader) of the stream of what happens, made by [`reader`]. Those that can only be written when
//! everything is known collect what happened ([`told`]) first.
//!
//! **Invariant:** nothing in a report's text depends on the host, the clock or the build: a frame is `frame A`, an address is
//! a place in a region. Two runs of the same scenario give the same bytes. What depends on the build is what was judged ([`Judged`]), which
//! the command adds to a report beside the origin of its scenario.

pub(crate) mod clauses;
mod cost;
mod outcome;
pub(crate) mod states;
pub(crate) mod warehouse;

mod explored;
mod format;
mod grades;
mod judged;
mod memory;
mod origin;
mod page_differences;
mod told;

mod github;
mod gradescope;
mod html;
mod json;
mod jsonl;
mod junit;
mod ktap;
mod markdown;
pub mod text;

mod schema;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use clauses::{ClauseLine, ClauseOutcome};
pub use cost::{Cost, Spent};
pub use explored::Explored;
pub use format::{Format, NoSuchFormat, Readers, Style, reader, written};
pub use html::{course_page, submission_page};
pub use json::Document;
pub use judged::{Judged, JudgedFile};
pub use memory::{Area, MappedFrame, MappedPage, MemoryMap, ProcessMemory};
pub use origin::Origin;
pub use outcome::{GuestEnd, Outcome};
pub use page_differences::{PageDifference, PageName, page_differences};
pub use schema::schema;
pub use warehouse::WarehouseLine;

use crate::finding::Finding;
use crate::guest::needs::Need;
use crate::judge::NotJudged;
use crate::perform::Claim;
use crate::printable::Printable;
use crate::promise::Promise;
use crate::rule::Blame;
use crate::scenario::{Clause, Scenario, reported_clauses};
use crate::trace::Trace;

/// What is to be thought of a run. Of several the greatest counts: what the harness could not tell elsewhere changes nothing about
/// what a guest did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as it should be.
    Pass,
    /// The harness could not tell.
    Broken,
    /// The guest did something wrong.
    Fail,
}

impl Verdict {
    /// The word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Broken => "BROKEN",
            Verdict::Fail => "FAIL",
        }
    }
}

/// One run of one scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The scenario's name.
    pub scenario: Printable,
    /// What the scenario shows.
    pub description: Printable,
    /// Where the scenario came from, and how to run it again; None when nobody says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub origin: Option<Origin>,
    /// What was judged, and by what; None when nobody says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub judged: Option<Judged>,
    /// What is to be thought of the run.
    pub verdict: Verdict,
    /// What was done, in order.
    pub lines: Vec<Line>,
    /// Steps that were not performed, because the run had ended.
    pub steps_not_run: usize,
    /// How the guest ended; None when it was not started, or had not ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<GuestEnd>,
    /// What the warehouses that were started for the run were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warehouses: Vec<WarehouseLine>,
    /// The clauses of a specification that the scenario shows, in the order of first mention.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clauses: Vec<ClauseLine>,
    /// Which schedules were tried, if the scenario asks for that; the lines are those of the one that breaks a rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explored: Option<Explored>,
    /// Rules that were not judged, because the guest does not promise the reports that they need.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub not_judged: Vec<NotJudged>,
    /// What the kernel logged. Differs from build to build.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub log: Vec<Printable>,
    /// What became of the processes, as a Mermaid state diagram; None for a guest that does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub states: Option<String>,
    /// By what contents and places were drawn: `--vary` with it gives the same run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed: Option<u64>,
    /// What the run cost. Differs between runs.
    pub cost: Cost,
}

/// A step, or what the harness itself does before the first and after the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// Number of the step, from 1; None for what the harness does.
    pub step: Option<usize>,
    /// What was done.
    pub what: Printable,
    /// What came of it, in a few words.
    pub result: Printable,
    /// What the program printed that the step ran, without the line that proves that it ran.
    #[serde(skip_serializing_if = "str::is_empty", default)]
    pub output: Printable,
    /// What the agents answered, for comparison with another kernel, when it is recorded.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub claims: Vec<Claim>,
    /// Clauses of a specification that the step shows.
    #[serde(skip_serializing_if = "Vec::is_empty", default, with = "reported_clauses")]
    #[schemars(with = "Vec<reported_clauses::Reported>")]
    pub clauses: Vec<Clause>,
    /// A check's expectations.
    pub expectations: Vec<ExpectationLine>,
    /// What was wrong: with the step itself, or with a rule after it.
    pub findings: Vec<Finding>,
    /// What the named memory of processes was like afterwards, when it is recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub memory: Option<MemoryMap>,
    /// What the kernel did meanwhile, when it was followed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace: Option<Trace>,
}

/// An expectation of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationLine {
    /// The expectation in words.
    pub what: Printable,
    /// What was found, in a few words.
    pub found: Printable,
    /// Where it does not hold.
    pub findings: Vec<Finding>,
}

impl Line {
    /// Everything wrong that the line tells of.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        let of_expectations = self
            .expectations
            .iter()
            .flat_map(|expectation| &expectation.findings);
        of_expectations.chain(&self.findings)
    }
}

impl Report {
    /// The report of a scenario that was not run, because it needs what its guest does not promise.
    pub(crate) fn refused(scenario: &Scenario, unmet: &[Need]) -> Report {
        let missing =
            |need: &Need| Finding::missing(need.by.as_str(), need.what.to_string(), need.what.lacking());
        Report {
            scenario: scenario.name.as_str().into(),
            description: scenario.description.as_str().into(),
            origin: None,
            judged: None,
            verdict: Verdict::Broken,
            lines: vec![Line {
                step: None,
                what: "refused before boot".into(),
                result: Printable::default(),
                output: Printable::default(),
                claims: Vec::new(),
                clauses: Vec::new(),
                expectations: Vec::new(),
                findings: unmet.iter().map(missing).collect(),
                memory: None,
                trace: None,
            }],
            steps_not_run: scenario.steps.len(),
            end: None,
            warehouses: Vec::new(),
            clauses: Vec::new(),
            explored: None,
            not_judged: Vec::new(),
            log: Vec::new(),
            states: None,
            seed: None,
            cost: Cost::default(),
        }
    }

    /// Makes it an error that rules were not judged because the guest does not promise one of these reports.
    pub fn require(&mut self, reports: &[Promise]) {
        let wanted = self
            .not_judged
            .iter()
            .filter(|not_judged| reports.contains(&not_judged.needs));
        let missing = |not_judged: &NotJudged| {
            let found = format!("not promised by this guest ({})", not_judged.needs.name());
            Finding::missing(not_judged.rule.to_string(), not_judged.needs.to_string(), found)
        };
        let missing: Vec<Finding> = wanted.map(missing).collect();
        for finding in missing {
            self.add_finding(finding);
        }
    }

    /// Where a line's step begins in the scenario's file: the file, and the line in it when the line is a step's.
    #[must_use]
    pub fn place_of(&self, line: &Line) -> Option<(&Printable, Option<usize>)> {
        let origin = self.origin.as_ref()?;
        let begins = line.step.and_then(|step| origin.step_lines.get(step - 1));
        Some((&origin.file, begins.copied()))
    }

    /// What is to be thought of some of the findings. In a run that passes nothing is held against the guest: where schedules are explored
    /// to break a rule, what is found is what is wanted.
    pub(crate) fn verdict_of<'a>(&self, findings: impl Iterator<Item = &'a Finding>) -> Verdict {
        match self.verdict {
            Verdict::Pass => Verdict::Pass,
            Verdict::Fail | Verdict::Broken => verdict_of(findings),
        }
    }

    /// Everything wrong that the report tells of, in the order in which it was found.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.lines.iter().flat_map(Line::all_findings)
    }

    /// Adds something that is wrong with the run as a whole.
    pub(crate) fn add_finding(&mut self, finding: Finding) {
        let blame = finding.rule.blame();
        if let Some(line) = self.lines.last_mut() {
            line.findings.push(finding);
        }
        self.verdict = match (self.verdict, blame) {
            (_, Blame::Guest) | (Verdict::Fail, Blame::Judge | Blame::Nobody) => Verdict::Fail,
            (Verdict::Pass | Verdict::Broken, Blame::Judge | Blame::Nobody) => Verdict::Broken,
        };
    }

    /// The verdict that the lines give.
    pub(crate) fn judge(&mut self) {
        self.verdict = match verdict_of(self.findings()) {
            Verdict::Pass if self.steps_not_run > 0 => Verdict::Broken,
            verdict => verdict,
        };
    }
}

/// A failure outranks a doubt: what the guest did wrong counts, whatever else could not be told. Otherwise a guest could turn each
/// failure into a doubt.
fn verdict_of<'a>(findings: impl Iterator<Item = &'a Finding>) -> Verdict {
    let verdicts = findings.map(|finding| match finding.rule.blame() {
        Blame::Guest => Verdict::Fail,
        Blame::Judge | Blame::Nobody => Verdict::Broken,
    });
    verdicts.max().unwrap_or(Verdict::Pass)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Rule;

    fn verdict(rules: &[Rule], steps_not_run: usize) -> Verdict {
        let mut report = report(rules, steps_not_run);
        report.judge();
        report.verdict
    }

    pub(super) fn report(rules: &[Rule], steps_not_run: usize) -> Report {
        let finding = |rule: &Rule| Finding::new(*rule, "", "", "");
        let line = Line {
            step: Some(1),
            what: Printable::default(),
            result: Printable::default(),
            expectations: Vec::new(),
            output: Printable::default(),
            claims: Vec::new(),
            clauses: Vec::new(),
            findings: rules.iter().map(finding).collect(),
            memory: None,
            trace: None,
        };
        Report {
            scenario: Printable::default(),
            description: Printable::default(),
            origin: None,
            judged: None,
            verdict: Verdict::Pass,
            lines: vec![line],
            warehouses: Vec::new(),
            steps_not_run,
            end: None,
            clauses: Vec::new(),
            explored: None,
            not_judged: Vec::new(),
            states: None,
            log: Vec::new(),
            seed: None,
            cost: Cost::default(),
        }
    }

    #[test]
    fn every_rule_keeps_a_run_from_passing() {
        assert_eq!(verdict(&[], 0), Verdict::Pass);
        for rule in Rule::ALL {
            assert_ne!(verdict(&[*rule], 0), Verdict::Pass, "{rule:?}");
        }
    }

    #[test]
    fn a_doubt_is_broken_unless_the_guest_failed_anyway() {
        for doubt in [Rule::Evidence, Rule::Walker] {
            assert_eq!(verdict(&[doubt], 0), Verdict::Broken);
            assert_eq!(verdict(&[doubt, Rule::Contents], 0), Verdict::Fail);
            assert_eq!(verdict(&[Rule::Contents, doubt], 3), Verdict::Fail);
        }
    }

    #[test]
    fn what_is_added_to_a_report_makes_it_no_better() {
        let added = |first: &[Rule], then: Rule| {
            let mut report = report(first, 0);
            report.judge();
            report.add_finding(Finding::new(then, "", "", ""));
            report.verdict
        };
        for doubt in [Rule::Evidence, Rule::Walker] {
            assert_eq!(added(&[], doubt), Verdict::Broken);
            assert_eq!(added(&[doubt], Rule::Contents), Verdict::Fail);
            assert_eq!(added(&[Rule::Contents], doubt), Verdict::Fail);
        }
        assert_eq!(added(&[], Rule::Contents), Verdict::Fail);
    }

    #[test]
    fn a_run_that_did_not_come_to_its_end_is_no_pass() {
        assert_eq!(verdict(&[], 3), Verdict::Broken);
    }
}
