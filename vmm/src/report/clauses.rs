//! Which clauses of a specification a run has shown, and what became of each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Line, Verdict, verdict_of};
use crate::scenario::{Clause, reported_clauses};

/// What became of a clause in a run. Where several steps show it, the greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClauseOutcome {
    /// All its steps ran, and nothing was wrong with them.
    Pass,
    /// The run ended before one of its steps.
    NotRun,
    /// At one of its steps the harness could not tell.
    Broken,
    /// At one of its steps the guest did something wrong.
    Fail,
}

/// A clause that a scenario shows, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClauseLine {
    /// The clause.
    #[serde(flatten, deserialize_with = "reported_clauses::one")]
    #[schemars(with = "reported_clauses::Reported")]
    pub clause: Clause,
    /// What became of it.
    pub outcome: ClauseOutcome,
}

impl fmt::Display for ClauseOutcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Pass => "pass",
            Self::NotRun => "not run",
            Self::Broken => "BROKEN",
            Self::Fail => "FAIL",
        })
    }
}

/// Gives the lines and their findings the clauses of their steps, and says what became of each clause, in the order of
/// first mention.
pub(crate) fn attribute(lines: &mut [Line], step_clauses: &[Vec<Clause>]) -> Vec<ClauseLine> {
    let mut told: Vec<ClauseLine> = Vec::new();
    for (number, clauses) in (1..).zip(step_clauses) {
        let line = lines.iter_mut().find(|line| line.step == Some(number));
        let outcome = line.map_or(ClauseOutcome::NotRun, |line| {
            line.show(clauses);
            outcome_of(line)
        });
        for clause in clauses {
            match told.iter_mut().find(|known| known.clause.id == clause.id) {
                Some(known) => known.outcome = known.outcome.max(outcome),
                None => told.push(ClauseLine {
                    clause: clause.clone(),
                    outcome,
                }),
            }
        }
    }
    told
}

fn outcome_of(line: &Line) -> ClauseOutcome {
    match verdict_of(line.all_findings()) {
        Verdict::Pass => ClauseOutcome::Pass,
        Verdict::Fail => ClauseOutcome::Fail,
        Verdict::Broken => ClauseOutcome::Broken,
    }
}

impl Line {
    fn show(&mut self, clauses: &[Clause]) {
        self.clauses = clauses.to_vec();
        let of_expectations = self
            .expectations
            .iter_mut()
            .flat_map(|expectation| &mut expectation.findings);
        for finding in of_expectations.chain(&mut self.findings) {
            finding.clauses = clauses.to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Finding;
    use crate::printable::Printable;
    use crate::report::ExpectationLine;
    use crate::rule::Rule;

    /// The line of a step at which these rules were broken, the last of them in an expectation.
    fn line(step: usize, rules: &[Rule]) -> Line {
        let mut findings: Vec<Finding> = rules.iter().map(|rule| Finding::new(*rule, "", "", "")).collect();
        let expectation = ExpectationLine {
            what: Printable::default(),
            found: Printable::default(),
            findings: findings.pop().into_iter().collect(),
        };
        Line {
            step: Some(step),
            what: Printable::default(),
            result: Printable::default(),
            output: Printable::default(),
            claims: Vec::new(),
            clauses: Vec::new(),
            expectations: vec![expectation],
            findings,
            memory: None,
            trace: None,
        }
    }

    fn clauses(texts: &[&str]) -> Vec<Clause> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn told(lines: &mut [Line], step_clauses: &[Vec<Clause>]) -> Vec<String> {
        attribute(lines, step_clauses)
            .iter()
            .map(|line| format!("{}: {}", line.clause, line.outcome))
            .collect()
    }

    #[test]
    fn a_clause_passes_when_all_its_steps_ran_without_a_finding() {
        let step_clauses = [clauses(&["B-1 b"]), clauses(&["A-1 a", "B-1 b"])];
        let mut lines = [line(1, &[]), line(2, &[])];
        assert_eq!(told(&mut lines, &step_clauses), ["B-1 b: pass", "A-1 a: pass"]);
    }

    #[test]
    fn one_finding_at_one_of_its_steps_fails_a_clause() {
        let step_clauses = [
            clauses(&["A-1 a", "A-2 b"]),
            clauses(&["A-1 a"]),
            clauses(&["A-3 c"]),
        ];
        for rules in [&[Rule::Expectation][..], &[Rule::Contents, Rule::Contents]] {
            let mut lines = [line(1, &[]), line(2, rules), line(3, &[])];
            let expected = ["A-1 a: FAIL", "A-2 b: pass", "A-3 c: pass"];
            assert_eq!(told(&mut lines, &step_clauses), expected);
        }
    }

    #[test]
    fn what_could_not_be_told_fails_no_clause_and_passes_none() {
        let step_clauses = [clauses(&["A-1 a"])];
        for rule in [Rule::Evidence, Rule::Walker] {
            assert_eq!(told(&mut [line(1, &[rule])], &step_clauses), ["A-1 a: BROKEN"]);
        }
    }

    #[test]
    fn a_clause_with_a_step_that_was_not_reached_is_not_run_unless_it_has_failed() {
        let step_clauses = [
            clauses(&["A-1 a", "A-2 b"]),
            clauses(&["A-1 a"]),
            clauses(&["A-3 c"]),
        ];
        let expected = ["A-1 a: not run", "A-2 b: pass", "A-3 c: not run"];
        assert_eq!(told(&mut [line(1, &[])], &step_clauses), expected);
        let expected = ["A-1 a: FAIL", "A-2 b: FAIL", "A-3 c: not run"];
        assert_eq!(told(&mut [line(1, &[Rule::Result])], &step_clauses), expected);
    }

    #[test]
    fn a_line_and_its_findings_name_the_clauses_of_their_step_alone() {
        let step_clauses = [clauses(&["A-1 a"]), clauses(&["A-2 b", "A-3 c"]), Vec::new()];
        let rules = [Rule::Contents, Rule::Expectation];
        let mut lines = [line(1, &[]), line(2, &rules), line(3, &rules)];
        attribute(&mut lines, &step_clauses);
        for (line, expected) in lines.iter().zip(&step_clauses) {
            assert_eq!(line.clauses, *expected);
            assert!(line.all_findings().all(|finding| finding.clauses == *expected));
        }
        assert_eq!(lines[1].all_findings().count(), 2);
    }
}
