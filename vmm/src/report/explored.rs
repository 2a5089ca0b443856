//! Which schedules of a scenario were tried, and what is told of them.

use std::fmt::Write;

use abi::schedule::site_name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::count;
use crate::channel::schedule::Decision;
use crate::rule::Rule;

/// Which schedules were tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explored {
    /// How many.
    pub schedules: usize,
    /// They differ in who goes on at the first so many reschedule points.
    pub points: u64,
    /// There are no others.
    pub is_complete: bool,
    /// The rule that the scenario wants broken, if it wants that.
    pub finds: Option<Rule>,
    /// The shortest schedule that breaks a rule, if one does: the search ends with it.
    pub breaks: Option<Vec<Decision>>,
}

impl Explored {
    /// The choices of the schedule that breaks a rule, as a scenario states them.
    #[must_use]
    pub fn choices(&self) -> Option<Vec<usize>> {
        let decisions = self.breaks.as_ref()?;
        Some(decisions.iter().map(|decision| decision.chosen).collect())
    }

    /// Which schedules were tried, and the one that breaks a rule, point by point. Threads are named by first mention.
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        let tried = count(self.schedules, "schedule");
        let points = self.points;
        match &self.breaks {
            None if self.is_complete => {
                let _ = writeln!(
                    text,
                    "{tried} tried: all that differ at the first {points} points; none breaks a rule\n"
                );
            }
            None => {
                let _ = writeln!(
                    text,
                    "{tried} tried, and there are more; none of these breaks a rule\n"
                );
            }
            Some(decisions) => {
                let wanted = self.finds.map_or_else(String::new, |rule| {
                    format!("; the scenario wants this one broken: {rule}")
                });
                let _ = writeln!(
                    text,
                    "{tried} tried; the shortest that breaks a rule is the one above{wanted}"
                );
                let mut threads = Vec::new();
                for (number, decision) in (1..).zip(decisions) {
                    let name_of = |thread: &u32, threads: &mut Vec<u32>| {
                        let index = threads.iter().position(|known| known == thread);
                        let index = index.unwrap_or_else(|| {
                            threads.push(*thread);
                            threads.len() - 1
                        });
                        format!("thread {}", index + 1)
                    };
                    let candidates = &decision.choice.candidates;
                    let names: Vec<String> = candidates
                        .iter()
                        .map(|thread| name_of(thread, &mut threads))
                        .collect();
                    let site = site_name(decision.choice.site)
                        .unwrap_or("unknown place")
                        .to_lowercase();
                    let goes_on = match (names.first(), names.get(decision.chosen)) {
                        (Some(running), Some(chosen)) if decision.chosen > 0 => {
                            format!("{running} gives way to {chosen}")
                        }
                        (Some(running), _) => format!("{running} goes on"),
                        (None, _) => "nobody could go on".to_owned(),
                    };
                    let _ = writeln!(text, "{number:>4}  {site}: {goes_on}");
                }
                text.push('\n');
            }
        }
        text
    }
}
