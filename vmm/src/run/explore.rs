//! Runs a scenario once for every schedule up to a bound, and looks whether one of them breaks a rule.
//!
//! A schedule is a list of choices, one for each reschedule point that the guest comes to; past its end the thread that runs
//! goes on. The search starts with the empty list. Each run tells which points there were, and each point at which another
//! thread could have gone on, up to the bound, gives a longer list. Shorter lists come first, so the first that breaks a rule
//! is a shortest one. The guest does the same for the same choices, so nothing is tried twice and nothing is left out.

use std::collections::BTreeSet;

use super::once::{Setting, Trial, once};
use crate::channel::schedule::Decision;
use crate::finding::Finding;
use crate::promise::Promise;
use crate::report::{Explored, Report, Verdict};
use crate::rule::Rule;
use crate::scenario::Exploration;
use crate::vm::VmError;

/// Most runs of one exploration.
const MAX_RUNS: usize = 20_000;

/// A list of choices; shorter ones are smaller.
type Plan = (usize, Vec<usize>);

/// Explores, and reports the run that breaks a rule, or the first one when none does.
///
/// # Errors
/// The host cannot run a guest.
pub(super) fn explore(setting: Setting<'_>, exploration: Exploration) -> Result<Report, VmError> {
    let bound = usize::try_from(exploration.points).unwrap_or(usize::MAX);
    let mut plans = BTreeSet::from([(0, Vec::new())]);
    let mut first = None;
    let mut runs = 0;
    let mut is_complete = true;
    while let Some((length, plan)) = plans.pop_first() {
        if runs == MAX_RUNS {
            is_complete = false;
            break;
        }
        runs += 1;
        let trial = once(setting, &plan)?;
        if trial.decisions.is_empty() && runs == 1 {
            let mut report = trial.report;
            report.add_finding(Finding::missing(
                "schedules",
                Promise::Schedule.to_string(),
                "none came",
            ));
            return Ok(report);
        }
        if trial.report.verdict != Verdict::Pass {
            return replay(setting, exploration, (plan, runs), trial);
        }
        plans.extend(longer_plans(length, &trial.decisions, bound));
        // Of plans that there will be no run for there may be many more.
        while plans.len() > MAX_RUNS - runs + 1 {
            is_complete = false;
            plans.pop_last();
        }
        first.get_or_insert(trial.report);
    }
    let mut report = first.expect("the empty schedule is always tried");
    report.explored = Some(Explored {
        schedules: runs,
        points: exploration.points,
        is_complete,
        finds: exploration.finds,
        breaks: None,
    });
    if let Some(rule) = exploration.finds {
        let expected = format!("a schedule that breaks the rule: {rule}");
        report.add_finding(Finding::new(
            Rule::Expectation,
            "schedules",
            expected,
            "none does",
        ));
    }
    if !is_complete {
        let found = format!("more than {MAX_RUNS}");
        report.add_finding(Finding::missing("schedules", "few enough to try all", found));
    }
    Ok(report)
}

/// The plans that differ from a run at one more point than its own plan did.
fn longer_plans(length: usize, decisions: &[Decision], bound: usize) -> impl Iterator<Item = Plan> + '_ {
    let points = decisions.iter().enumerate().take(bound).skip(length);
    points.flat_map(move |(index, point)| {
        let before = decisions[..index].iter().map(|decision| decision.chosen);
        let before: Vec<usize> = before.collect();
        (1..point.choice.candidates.len()).map(move |other| {
            let plan: Vec<usize> = before.iter().copied().chain([other]).collect();
            (plan.len(), plan)
        })
    })
}

/// A schedule that breaks a rule is run again: only one that comes to the same end every time can be shown to anybody.
fn replay(
    setting: Setting<'_>,
    exploration: Exploration,
    (plan, schedules): (Vec<usize>, usize),
    trial: Trial,
) -> Result<Report, VmError> {
    let again = once(setting, &plan)?;
    let is_same = again.report.lines == trial.report.lines && again.decisions == trial.decisions;
    let Trial {
        mut report,
        decisions,
    } = trial;
    let is_wanted = |rule: Rule| report.findings().any(|finding| finding.rule == rule);
    let found = exploration.finds.is_some_and(is_wanted);
    if report.verdict == Verdict::Fail && found {
        report.verdict = Verdict::Pass;
    }
    let decisions = decisions.into_iter().take(plan.len()).collect();
    report.explored = Some(Explored {
        schedules,
        points: exploration.points,
        is_complete: false,
        finds: exploration.finds,
        breaks: Some(decisions),
    });
    if !is_same {
        let expected = "the same end each time a schedule is run";
        report.add_finding(Finding::missing("schedules", expected, "another end"));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::event::Choice;

    fn decision(candidates: usize, chosen: usize) -> Decision {
        let choice = Choice {
            candidates: vec![0; candidates],
            site: 1,
        };
        Decision { choice, chosen }
    }

    #[test]
    fn each_other_candidate_at_each_later_point_gives_a_plan_up_to_the_bound() {
        let decisions = [decision(2, 1), decision(3, 0), decision(2, 0), decision(2, 0)];
        let plans: Vec<Plan> = longer_plans(1, &decisions, 3).collect();
        assert_eq!(plans, [(2, vec![1, 1]), (2, vec![1, 2]), (3, vec![1, 0, 1])]);
    }
}
