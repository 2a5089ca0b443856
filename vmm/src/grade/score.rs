//! From a report to points.

use std::cmp::Reverse;

use super::rubric::{Item, Partial};
use super::{Points, ScenarioGrade};
use crate::finding::Finding;
use crate::printable::Printable;
use crate::report::{ClauseOutcome, Outcome, Report, Verdict};
use crate::rule::Rule;
use crate::scenario::Step;

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
    let why = report.findings().next().map_or_else(String::new, why);
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

/// Of two runs of a scenario the one that counts: whatever failed, else what could not be told, and of those the one that gives less.
#[must_use]
pub fn worse(one: ScenarioGrade, other: ScenarioGrade) -> ScenarioGrade {
    let rank = |grade: &ScenarioGrade| (grade.outcome.verdict(), Reverse(grade.points));
    if rank(&other) > rank(&one) { other } else { one }
}

/// Why a run gives no more, in a sentence. Where a guest died is no part of it: the report says it, and it differs from build to build.
fn why(finding: &Finding) -> String {
    let Finding {
        place,
        rule,
        expected,
        found,
        ..
    } = finding;
    match rule {
        Rule::Death => format!("{rule}; expected {expected}, found {found}"),
        _ => format!("{place}: {rule}; expected {expected}, found {found}"),
    }
}

/// A share of the points: what was not reached counts as not passed.
fn partial(item: &Item, report: &Report) -> Points {
    let weight = |name: &str| item.weights.get(name).copied().unwrap_or(1);
    // Of each part its weight, and whether it passed.
    let parts: Vec<(u32, bool)> = match item.partial {
        Partial::None => return Points::default(),
        Partial::Steps => {
            let numbers = 1..=item.scenario.steps.len();
            numbers.map(|number| (1, has_passed(report, number))).collect()
        }
        Partial::Checks => {
            let steps = (1..).zip(&item.scenario.steps);
            let checks = steps.filter_map(|(number, step)| match step {
                Step::Check(check) => Some((weight(&check.title), has_passed(report, number))),
                Step::Operation(_) | Step::Tick(_) | Step::Fail(_) => None,
            });
            checks.collect()
        }
        Partial::Clauses => {
            let clauses = report.clauses.iter().map(|line| {
                let id = line.clause.id.to_string();
                (weight(&id), line.outcome == ClauseOutcome::Pass)
            });
            clauses.collect()
        }
    };
    let passed: u32 = parts
        .iter()
        .map(|(weight, passed)| if *passed { *weight } else { 0 })
        .fold(0, u32::saturating_add);
    let of = parts
        .iter()
        .map(|(weight, _)| *weight)
        .fold(1, u32::saturating_add);
    // The rules after every step are one part more: a guest that fails never has all points.
    item.points.share(passed, of)
}

/// Whether the step of that number ran and found nothing.
fn has_passed(report: &Report, number: usize) -> bool {
    let line = report.lines.iter().find(|line| line.step == Some(number));
    line.is_some_and(|line| line.all_findings().next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grade::{Build, Grade, Visibility};

    fn graded(outcome: Outcome, points: f64) -> ScenarioGrade {
        ScenarioGrade {
            scenario: "cow".into(),
            visibility: Visibility::Visible,
            outcome,
            points: Points::try_from(points).unwrap(),
            most_points: Points::try_from(10.0).unwrap(),
            why: Printable::default(),
            report: None,
        }
    }

    #[test]
    fn of_several_runs_the_worst_counts() {
        let passed = || graded(Outcome::Passed, 10.0);
        let broken = || graded(Outcome::HarnessBroke, 0.0);
        let (some, none) = (graded(Outcome::FailedChecks, 4.0), graded(Outcome::Panicked, 0.0));
        assert_eq!(worse(passed(), some.clone()), some);
        assert_eq!(worse(some.clone(), passed()), some);
        assert_eq!(worse(some.clone(), none.clone()), none);
        assert_eq!(
            worse(broken(), some.clone()),
            some,
            "a failure is told, whatever else could not be"
        );
        assert_eq!(worse(passed(), broken()), broken());
    }

    #[test]
    fn students_see_what_is_theirs_to_see_and_its_points_alone() {
        let with = |visibility| ScenarioGrade {
            visibility,
            ..graded(Outcome::Passed, 10.0)
        };
        let scenarios = [
            Visibility::Visible,
            Visibility::AfterDueDate,
            Visibility::AfterPublished,
            Visibility::Hidden,
        ];
        let grade = Grade::new("s".into(), Build::Done, scenarios.map(with).to_vec());
        use crate::grade::Moment;
        for (moment, seen) in [
            (Moment::BeforeDueDate, 1),
            (Moment::AfterDueDate, 2),
            (Moment::AfterPublished, 3),
        ] {
            let shown = grade.as_students_see_it(moment);
            assert_eq!(shown.scenarios.len(), seen, "{moment:?}");
            assert_eq!(shown.most_points.to_string(), (seen * 10).to_string());
        }
    }
}
