//! The judge: holds what the guest did against what it should have done.
//!
//! Nothing here asks the guest. Page tables, frames and the dirty log are read while it stands still ([`crate::inspect`]),
//! what must be in memory comes from the reference model ([`crate::model`]). The kernel's own account of its frames may
//! add findings; it never takes one away.
//!
//! - [`Judge::audit`]: the rules that hold after every step, each in a file of [`rules`]
//! - [`Judge::check`]: the expectations of a check step ([`expectations`])
//! - [`Judge::last_process_ended`]: whether every frame has come back ([`account`]), and every process
//! - [`scene`]: what there is to look at; `names`: what frames are called

mod account;
mod expectations;
mod log;
mod moment;
mod names;
mod rules;
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use expectations::Judged;
pub use rules::life;
pub use scene::Scene;

use crate::address::{FrameNumber, VirtAddr};
use crate::block::{Disk, Failure};
use crate::channel::Event;
use crate::channel::event::FatalFault;
use crate::finding::Finding;
use crate::inspect::Effort;
use crate::inspect::dirty::DirtyTracker;
use crate::inspect::struct_page::PageLayout;
use crate::moments::Seen;
use crate::printable::Printable;
use crate::promise::{Promise, Promises};
use crate::rule::Rule;
use crate::scenario::CheckStep;
use crate::trace::Trace;
use crate::vm::{DirtyCursor, VmError};
use account::Account;
pub use expectations::calls::NamedFunctions;
use expectations::calls::SeenCalls;
use life::History;
use log::Log;
use moment::Moment;
use names::Names;
use rules::struct_pages::StructPagesRule;
use rules::{Rules, View};

/// Most processes whose last fatal fault is kept.
const MAX_FAULTS: usize = 1 << 14;
/// Most findings that the rules after the steps add to one report.
const MAX_FINDINGS: usize = 4096;

/// Most modules of whose pages note is taken.
const MAX_OFFERS: usize = 64;

/// A rule that could not be held against a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotJudged {
    /// The rule.
    pub rule: Rule,
    /// The report that the guest does not promise.
    pub needs: Promise,
}

/// Judges one run.
pub struct Judge {
    promises: Promises,
    rules: Rules,
    names: Names,
    /// What the scans after the steps may look at.
    effort: Effort,
    account: Account,
    /// Contents of frames as of the last check, for expectations.
    dirty: Option<DirtyTracker>,
    dirty_since: DirtyCursor,
    start: Moment,
    last_check: Moment,
    /// Pages that modules say they offer, by the module's name: address in the kernel, and number.
    offered: BTreeMap<Printable, (VirtAddr, u64)>,
    /// The last fatal fault of each process.
    faults: BTreeMap<u32, FatalFault>,
    reported: BTreeSet<Finding>,
    calls: SeenCalls,
    log: Log,
}

impl Judge {
    /// A judge of a guest that promises these reports.
    #[must_use]
    pub fn new(promises: Promises) -> Judge {
        Judge {
            rules: Rules::new(promises.clone()),
            promises,
            names: Names::default(),
            effort: Effort::default(),
            account: Account::default(),
            dirty: None,
            dirty_since: DirtyCursor::default(),
            start: Moment::default(),
            last_check: Moment::default(),
            offered: BTreeMap::new(),
            faults: BTreeMap::new(),
            reported: BTreeSet::new(),
            calls: SeenCalls::default(),
            log: Log::default(),
        }
    }

    /// The same for a guest that keeps a `struct page` for each frame, if this says where things are in it.
    #[must_use]
    pub fn with_struct_pages(mut self, layout: Option<PageLayout>) -> Judge {
        self.rules.struct_pages = StructPagesRule::new(layout);
        self
    }

    /// The same for a scenario that calls the kernel's functions so.
    #[must_use]
    pub fn with_functions(mut self, functions: NamedFunctions) -> Judge {
        self.calls = SeenCalls::of(functions);
        self
    }

    /// The rules that are not judged, because the guest does not promise the reports that they need, nor is there something else to judge
    /// them by.
    #[must_use]
    pub fn not_judged(&mut self) -> Vec<NotJudged> {
        let promises = &self.promises;
        let otherwise = self.rules.struct_pages.judges();
        let rules = self.rules.all().into_iter();
        let needs = rules
            .flat_map(|rule| rule.needs())
            .filter(|(rule, needs)| !promises.has(*needs) && !otherwise.contains(rule));
        needs
            .map(|(rule, needs)| NotJudged {
                rule: *rule,
                needs: *needs,
            })
            .collect()
    }

    /// Which of these reports have not come since the last audit, while `program` ran.
    #[must_use]
    pub fn missing_reports(&self, program: &str, reports: &[Promise]) -> Vec<Finding> {
        self.rules.evidence.missing(program, reports)
    }

    /// Takes note of what the kernel reported. Claims, all of them.
    pub fn note(&mut self, events: Vec<Event>) {
        for event in events {
            match &event {
                Event::FrameTable { base, frames } => self.account.published(*base, *frames),
                Event::FatalFault(fault) if self.has_room_for_fault(fault.pid) => {
                    self.faults.insert(fault.pid, *fault);
                }
                Event::FatalFault(_) => {
                    self.note_one(&Event::Malformed {
                        reason: format!("fatal faults of more than {MAX_FAULTS} processes").into(),
                    });
                }
                Event::PagesOffered {
                    module,
                    address,
                    pages,
                } if self.has_room_for_offer(module) => {
                    self.offered.insert(module.clone(), (*address, *pages));
                }
                Event::PagesOffered { .. } => {
                    self.note_one(&Event::Malformed {
                        reason: format!("pages of more than {MAX_OFFERS} modules").into(),
                    });
                }
                Event::Log { message } => self.log.note(message.clone()),
                _ => {}
            }
            self.note_one(&event);
        }
    }

    fn has_room_for_fault(&self, pid: u32) -> bool {
        self.faults.len() < MAX_FAULTS || self.faults.contains_key(&pid)
    }

    fn has_room_for_offer(&self, module: &Printable) -> bool {
        self.offered.len() < MAX_OFFERS || self.offered.contains_key(module)
    }

    fn note_one(&mut self, event: &Event) {
        for rule in self.rules.all() {
            rule.note(event);
        }
    }

    /// Takes note of what the kernel did in a step.
    pub fn note_calls(&mut self, trace: &Trace) {
        self.calls.note(trace);
    }

    /// Takes note of what was seen at moments within a step.
    pub fn note_moments(&mut self, mut seen: Seen) {
        for rule in self.rules.all() {
            rule.note_moments(&mut seen);
        }
    }

    /// Remembers how things are before the scenario's first process exists.
    ///
    /// # Errors
    /// The host failed.
    pub fn begin(&mut self, scene: &mut Scene<'_>) -> Result<(), VmError> {
        let mut dirty = DirtyTracker::new(scene.memory().frames());
        scene
            .stop
            .loaded_frames()
            .iter()
            .for_each(|frames| dirty.record_range(frames.clone()));
        let written = scene.stop.written_since(&mut self.dirty_since)?;
        dirty.record(written.words());
        dirty.checkpoint(scene.memory());
        self.dirty = Some(dirty);
        self.account.begin(scene.memory());
        for rule in self.rules.all() {
            rule.begin(scene)?;
        }
        self.start = Moment::of(scene, &self.account);
        self.last_check = Moment::of(scene, &self.account);
        Ok(())
    }

    /// The rules that hold after every step. A finding is reported once, at the step that brought it about.
    ///
    /// # Errors
    /// The host failed.
    pub fn audit(&mut self, scene: &mut Scene<'_>) -> Result<Vec<Finding>, VmError> {
        let spaces = scene.agents.spaces();
        let owners = scene.stop.owners(&spaces, &self.effort);
        let published = self.account.table(scene.memory());
        let published = published.filter(|_| self.promises.has(Promise::FrameAccount));
        let (account, mut findings) = match published {
            None => (None, Vec::new()),
            Some(Ok(table)) => (Some(table), Vec::new()),
            Some(Err(finding)) => (None, vec![finding]),
        };
        let mut view = View {
            scene,
            spaces: &spaces,
            owners: &owners,
            account: account.as_ref(),
            names: &mut self.names,
            effort: &self.effort,
        };
        for rule in self.rules.judged(&self.promises) {
            findings.extend(rule.audit(&mut view)?);
        }
        self.effort.renew();
        Ok(self.unreported(findings))
    }

    /// Those of the findings that are new, as many as there is room for.
    fn unreported(&mut self, mut findings: Vec<Finding>) -> Vec<Finding> {
        let mut left_out: Option<Finding> = None;
        findings.retain(|finding| {
            if self.reported.contains(finding) {
                return false;
            }
            if self.reported.len() < MAX_FINDINGS {
                return self.reported.insert(finding.clone());
            }
            left_out.get_or_insert_with(|| finding.clone());
            false
        });
        // Whoever is to blame for it: the rule is that of the first that is left out.
        findings.extend(left_out.map(|first| {
            let found = format!("more than {MAX_FINDINGS} findings in all: the rest is not told");
            Finding::new(first.rule, first.place, first.expected, found)
        }));
        findings
    }

    /// Judges the expectations of a check step.
    ///
    /// # Errors
    /// The host failed.
    pub fn check(&mut self, step: &CheckStep, scene: &mut Scene<'_>) -> Result<Vec<Judged>, VmError> {
        let written = scene.stop.written_since(&mut self.dirty_since)?;
        if let Some(dirty) = &mut self.dirty {
            dirty.record(written.words());
        }
        let judged = step
            .expect
            .iter()
            .map(|expectation| self.judge(expectation, scene))
            .collect();
        if let Some(dirty) = &mut self.dirty {
            dirty.checkpoint(scene.memory());
        }
        self.last_check = Moment::of(scene, &self.account);
        self.calls.forget();
        Ok(judged)
    }

    /// Whether every frame has come back, and every process has ended, now that only the guest's first process is left.
    pub fn last_process_ended(&mut self, scene: &Scene<'_>) -> Vec<Finding> {
        let account = &self.account;
        let rules = self.rules.judged(&self.promises);
        rules.flat_map(|rule| rule.at_end(account, scene)).collect()
    }

    /// The name of a frame, given at its first mention.
    pub fn frame_name(&mut self, frame: FrameNumber) -> String {
        self.names.frame(frame)
    }

    /// The kernel's log: the first lines of it, and how many more there were.
    #[must_use]
    pub fn logged(&self) -> Vec<Printable> {
        self.log.told()
    }

    /// What became of the processes, by the kernel's reports.
    #[must_use]
    pub fn history(&self) -> &History {
        self.rules.life.history()
    }

    /// A failure of the disk that no request met: what it should have shown was not shown.
    pub fn failures_that_never_came(&self, scene: &Scene<'_>) -> Vec<Finding> {
        let pending = scene.stop.disk().map_or(&[][..], Disk::pending_failures);
        let finding = |failure: &Failure| {
            let expected = format!("a failed {}", failure.request);
            let found = format!("{} requests too few", failure.nth);
            Finding::missing("the disk", expected, found)
        };
        pending.iter().map(finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_without_end_are_told_up_to_a_limit_and_that_there_are_more() {
        let mut judge = Judge::new(Promises::all());
        let findings = |range: std::ops::Range<usize>| -> Vec<Finding> {
            let finding = |number: usize| Finding::new(Rule::Contents, number.to_string(), "", "");
            range.map(finding).collect()
        };
        assert_eq!(
            judge.unreported(findings(0..MAX_FINDINGS - 1)).len(),
            MAX_FINDINGS - 1
        );
        assert_eq!(judge.unreported(findings(0..10)), []);
        let last = judge.unreported(findings(MAX_FINDINGS - 1..MAX_FINDINGS + 50));
        assert_eq!(last.len(), 2);
        assert!(last[1].found.starts_with("more than"), "{last:?}");
        assert_eq!(judge.unreported(findings(9_000..9_001)).len(), 1);
    }

    #[test]
    fn faults_and_nonsense_without_end_are_kept_up_to_a_limit_and_the_rest_is_told() {
        let mut judge = Judge::new(Promises::all());
        for pid in 0..MAX_FAULTS as u32 + 500 {
            let fault = FatalFault {
                pid,
                vector: 14,
                error_code: 4,
                address: 0,
                rip: 0,
            };
            judge.note(vec![Event::FatalFault(fault)]);
        }
        assert_eq!(judge.faults.len(), MAX_FAULTS);
        assert_eq!(judge.rules.unreadable_reports(), 500);
    }
}
