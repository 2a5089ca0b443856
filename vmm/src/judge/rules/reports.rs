//! What the kernel reports can be read: otherwise the rest of its reports may be missing too.

use super::{StandingRule, View, told};
use crate::channel::Event;
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::printable::Printable;
use crate::rule::Rule;
use crate::vm::VmError;

/// Keeps the reports that could not be read.
#[derive(Debug, Default)]
pub(super) struct Reports {
    malformed: Findings<Printable>,
}

impl StandingRule for Reports {
    fn note(&mut self, event: &Event) {
        if let Event::Malformed { reason } = event {
            self.malformed.push(reason.clone());
        }
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let place = "the kernel's reports";
        let wrong = |reason: Printable| Finding::new(Rule::Reports, place, "a well-formed report", reason);
        let malformed = std::mem::take(&mut self.malformed);
        let mut findings = told(&malformed, Rule::Reports, place, |reason| wrong(reason.clone()));
        let lost = view.scene.stop.devices().events.lost();
        if lost > 0 {
            findings.push(wrong(format!("{lost} reports were lost in a flood").into()));
        }
        Ok(findings)
    }
}

#[cfg(test)]
impl Reports {
    pub(super) fn unreadable(&self) -> u64 {
        self.malformed.as_slice().len() as u64 + self.malformed.omitted()
    }
}
