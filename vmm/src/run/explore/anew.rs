//! A guest for each schedule.
//!
//! The search starts with the empty list, and goes from shorter lists to longer ones, so the first that breaks a rule is a smallest one.

use std::collections::BTreeSet;

use super::super::boot::Setting;
use super::super::once::once;
use super::{MAX_RUNS, Plan, Tried};
use crate::channel::schedule::Decision;
use crate::report::Verdict;
use crate::vm::VmError;

/// Tries the schedules that differ at the first `bound` points, until one breaks a rule.
pub(super) fn try_schedules(setting: Setting<'_>, bound: usize) -> Result<Tried, VmError> {
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
        let trial = once(setting, &plan, None)?;
        if trial.decisions.is_empty() && runs == 1 {
            return Ok(Tried::NothingToDecide(trial.report));
        }
        if trial.report.verdict != Verdict::Pass {
            return Ok(Tried::Breaks {
                plan,
                trial,
                schedules: runs,
            });
        }
        plans.extend(longer_plans(length, &trial.decisions, bound));
        // Of plans that there will be no run for there may be many more.
        while plans.len() > MAX_RUNS - runs + 1 {
            is_complete = false;
            plans.pop_last();
        }
        first.get_or_insert(trial.report);
    }
    Ok(Tried::AllPass {
        first: first.expect("the empty schedule is always tried"),
        schedules: runs,
        is_complete,
    })
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
