//! Who goes on at a reschedule point: see [`abi::schedule`].
//!
//! The kernel reports the candidates ([`Event::Choice`](super::Event::Choice)) and asks; the answers are a plan that was made
//! before the run, and 0, the thread that runs, when the plan is at its end.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Choice;

/// Most decisions that are kept: a plan is short, and a guest may ask without end.
const MAX_DECISIONS: usize = 4096;

/// A reschedule point, and who went on there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What the kernel said.
    pub choice: Choice,
    /// Index of the candidate that went on.
    pub chosen: usize,
}

/// The I/O port for the answers.
#[derive(Default)]
pub struct SchedulePort {
    plan: Vec<usize>,
    decisions: Vec<Decision>,
    asked: usize,
}

impl SchedulePort {
    /// From now on the answers are those of the plan.
    pub fn follow(&mut self, plan: Vec<usize>) {
        *self = SchedulePort {
            plan,
            ..SchedulePort::default()
        };
    }

    /// From the next question on the answers are those of this plan, whose beginning has been followed.
    pub fn go_on_with(&mut self, plan: Vec<usize>) {
        self.plan = plan;
    }

    /// How many questions there were so far.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked
    }

    /// What was decided so far, the first [`MAX_DECISIONS`] of it.
    #[must_use]
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// Decides on the choice that was reported last.
    pub(super) fn decide(&mut self, choice: &Choice) -> u32 {
        let planned = self.plan.get(self.asked).copied().unwrap_or(0);
        let chosen = if planned < choice.candidates.len() {
            planned
        } else {
            0
        };
        self.asked += 1;
        if self.decisions.len() < MAX_DECISIONS {
            let choice = choice.clone();
            self.decisions.push(Decision { choice, chosen });
        }
        u32::try_from(chosen).expect("candidates are few")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_followed_and_past_its_end_or_beyond_the_candidates_the_running_thread_goes_on() {
        let mut port = SchedulePort::default();
        port.follow(vec![1, 7]);
        let choice = Choice {
            candidates: vec![5, 6],
            site: abi::schedule::MADVISE,
        };
        let answers = [(); 3].map(|()| port.decide(&choice));
        assert_eq!(answers, [1, 0, 0]);
        let chosen: Vec<usize> = port.decisions().iter().map(|decision| decision.chosen).collect();
        assert_eq!(chosen, [1, 0, 0]);
    }
}
