//! From a report to points.

use super::rubric::{Item, Partial};
use super::{Points, ScenarioGrade};
use crate::printable::Printable;
use crate::report::{ClauseOutcome, Outcome, Report, Verdict};

/// The grade of a scenario that was run.
#[must_use]
pub fn score(item: &Item, report: Report) -> ScenarioGrade {
    let outcome = report.outcome();
    let points = match outcome.verdict() {
        Verdict::Pass => item.points,
        Verdict::Fail => partial(item, &report),
        // Nobody knows what it is worth.
        Verdict::Broken => Points::default(),
    };
    let first = report.findings().next();
    let why = first.map_or_else(String::new, |finding| {
        format!(
            "{}: {}; expected {}, found {}",
            finding.place, finding.rule, finding.expected, finding.found
        )
    });
    ScenarioGrade {
        scenario: item.scenario.name.to_string().into(),
        visibility: item.visibility,
        outcome,
        points,
        most_points: item.points,
        why: if outcome == Outcome::Passed {
            Printable::default()
        } else {
            why.into()
        },
        report: Some(Box::new(report)),
    }
}

/// The grade of a scenario that was not run.
#[must_use]
pub fn not_run(item: &Item, outcome: Outcome, why: &Printable) -> ScenarioGrade {
    ScenarioGrade {
        scenario: item.scenario.name.to_string().into(),
        visibility: item.visibility,
        outcome,
        points: Points::default(),
        most_points: item.points,
        why: why.clone(),
        report: None,
    }
}

/// A share of the points: what was not reached counts as not passed.
fn partial(item: &Item, report: &Report) -> Points {
    let (passed, of) = match item.partial {
        Partial::None => return Points::default(),
        Partial::Checks => {
            let checks = report.lines.iter().filter(|line| !line.expectations.is_empty());
            let passed = checks.filter(|line| line.all_findings().next().is_none()).count();
            let steps = item.scenario.steps.iter();
            let of = steps
                .filter(|step| matches!(step, crate::scenario::Step::Check(_)))
                .count();
            (passed, of)
        }
        Partial::Clauses => {
            let passed = |line: &&crate::report::ClauseLine| line.outcome == ClauseOutcome::Pass;
            (report.clauses.iter().filter(passed).count(), report.clauses.len())
        }
    };
    let part = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    // The rules after every step are one part more: a guest that fails never has all points.
    item.points.share(part(passed), part(of + 1))
}
