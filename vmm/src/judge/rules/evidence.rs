//! What the guest promises to report is there. Otherwise nothing can be said of what is judged with it, and silence is no pass.

use std::collections::BTreeMap;

use super::{StandingRule, View};
use crate::channel::Event;
use crate::drive::Life;
use crate::finding::Finding;
use crate::judge::account::Account;
use crate::judge::scene::Scene;
use crate::promise::{Promise, Promises};
use crate::vm::VmError;

/// Reports that a kernel has sent by the time its first program asks for an operation.
const SENT_BY_BOOT: [Promise; 2] = [Promise::FrameAccount, Promise::Switches];

/// Counts reports.
#[derive(Debug, Default)]
pub(in crate::judge) struct EvidenceRule {
    promises: Promises,
    /// From the beginning on.
    told: BTreeMap<Promise, u64>,
    /// The same at the last audit.
    told_before: BTreeMap<Promise, u64>,
}

impl EvidenceRule {
    pub(in crate::judge) fn new(promises: Promises) -> EvidenceRule {
        EvidenceRule {
            promises,
            ..EvidenceRule::default()
        }
    }

    /// Which of these reports, as far as the guest promises them, have not come since the last audit. Of others the report lists the rules that
    /// cannot be judged without them.
    pub(in crate::judge) fn missing(&self, program: &str, reports: &[Promise]) -> Vec<Finding> {
        let came = |report: &&Promise| self.told.get(report) != self.told_before.get(report);
        let promised = reports.iter().filter(|report| self.promises.has(**report));
        let missing = promised.filter(|report| !came(report));
        missing
            .map(|report| Finding::missing(program, report.to_string(), "none came while it ran"))
            .collect()
    }
}

impl StandingRule for EvidenceRule {
    fn note(&mut self, event: &Event) {
        if let Some(promise) = event.promise() {
            *self.told.entry(promise).or_default() += 1;
        }
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        self.told_before = self.told.clone();
        let is_missing = |promise: &Promise| self.promises.has(*promise) && !self.told.contains_key(promise);
        let missing = SENT_BY_BOOT.into_iter().filter(is_missing);
        let mut findings: Vec<Finding> = missing
            .map(|promise| Finding::missing("the guest", promise.to_string(), "none came"))
            .collect();
        if self.promises.has(Promise::Ends) {
            let gone = view.scene.agents.iter().filter(|agent| agent.life == Life::Gone);
            findings.extend(
                gone.map(|agent| {
                    Finding::missing(agent.name.as_str(), "a report of how it ended", "none came")
                }),
            );
        }
        Ok(findings)
    }

    fn at_end(&mut self, _account: &Account, scene: &Scene<'_>) -> Vec<Finding> {
        let untold = scene.agents.iter().filter(|agent| agent.life == Life::Untold);
        let missing = untold.map(|agent| {
            let found = "no wait found it";
            Finding::missing(agent.name.as_str(), "a wait that tells how it ended", found)
        });
        missing.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_a_step_names_is_missing_only_where_it_is_promised() {
        let missing = |promises: &[Promise]| {
            let rule = EvidenceRule::new(Promises::of(promises));
            rule.missing("uffd", &[Promise::UserFaults]).len()
        };
        assert_eq!(missing(&[Promise::UserFaults, Promise::Ends]), 1);
        assert_eq!(missing(&[Promise::Ends]), 0);
    }
}
