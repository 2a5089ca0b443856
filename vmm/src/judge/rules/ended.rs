//! Who was reported as ended runs no more: a report takes nobody out of what is judged.

use super::{StandingRule, View};
use crate::finding::Finding;
use crate::rule::Rule;
use crate::vm::{Misprint, VmError};

/// Remembers nothing: the machine and the agents do.
#[derive(Debug, Default)]
pub(super) struct Ended;

impl StandingRule for Ended {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let expected = "it runs no more";
        let back = view.scene.agents.back().map(|agent| {
            let found = "it asks for its next operation";
            Finding::new(
                Rule::Ended,
                format!("{}, which was reported as ended", agent.name),
                expected,
                found,
            )
        });
        let misprints = view.scene.stop.misprints();
        let printing = misprints.filter(|(_, misprint)| *misprint == Misprint::Ended);
        let printing = printing.map(|(program, misprint)| {
            Finding::new(
                Rule::Ended,
                format!("a process that was reported as ended, while {program} was run"),
                expected,
                misprint.to_string(),
            )
        });
        Ok(back.chain(printing).collect())
    }
}
