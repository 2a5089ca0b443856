//! While programs run, users keep out of the kernel's memory and out of each other's, as they do after each step.

use super::{StandingRule, View, user_half};
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::inspect::audit::UserFinding;
use crate::moments::Seen;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::VmError;

/// Keeps what was seen at moments within steps.
#[derive(Debug, Default)]
pub(super) struct Inside {
    seen: Findings<UserFinding>,
    missed: u64,
}

impl StandingRule for Inside {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[
            (Rule::Inside, Promise::Switches),
            (Rule::Inside, Promise::FrameAccount),
        ]
    }

    fn note_moments(&mut self, seen: &mut Seen) {
        self.seen.append(std::mem::take(&mut seen.programs));
        self.missed = seen.programs_missed;
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let mut findings = user_half::tell(&std::mem::take(&mut self.seen), view.scene, view.names);
        if self.missed > 0 {
            let needed = "so few moments, and page tables, that each can be looked at";
            let found = format!("{} moments were not looked at", self.missed);
            findings.push(Finding::missing("the memory of programs", needed, found));
        }
        Ok(findings)
    }
}
