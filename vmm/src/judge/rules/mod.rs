//! The rules that hold after every step of every scenario, whether or not it asks: a module for each, which keeps what it must
//! remember.
//!
//! [`StandingRule`] says when a rule is asked for what; [`Rules`] is the list of them all, in the order in which they look.

mod clock;
mod ended;
mod evidence;
mod inside;
mod kernel_half;
pub mod life;
mod page_cache;
mod page_walk;
mod printer;
mod process_memory;
mod references;
mod reports;
pub(super) mod shadow_table;
mod speaker;
pub(super) mod struct_pages;
mod user_faults;
mod user_half;

use super::account::Account;
use super::names::Names;
use super::scene::Scene;
use crate::channel::Event;
use crate::finding::Finding;
use crate::inspect::frame_table::FrameTable;
use crate::inspect::owners::{Owners, Space};
use crate::inspect::walk::Anomaly;
use crate::inspect::{Effort, Findings};
use crate::moments::Seen;
use crate::printable::Printable;
use crate::promise::{Promise, Promises};
use crate::rule::Rule;
use crate::vm::VmError;

/// A rule that holds after every step, and what it must remember for that.
pub(super) trait StandingRule {
    /// The rules by name that need a report, and which; without it they are not judged.
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[]
    }

    /// Takes note of what the kernel reports. A claim.
    fn note(&mut self, _event: &Event) {}

    /// Takes note of what was seen at moments within a step, as far as it concerns the rule.
    fn note_moments(&mut self, _seen: &mut Seen) {}

    /// Remembers how things are before the scenario's first process exists.
    fn begin(&mut self, _scene: &mut Scene<'_>) -> Result<(), VmError> {
        Ok(())
    }

    /// What is wrong now. A finding that was made before may be made again.
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError>;

    /// What is wrong when nobody but the guest's first process should be left.
    fn at_end(&mut self, _account: &Account, _scene: &Scene<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

/// What the rules look at after a step.
pub(super) struct View<'a, 'vm> {
    pub(super) scene: &'a mut Scene<'vm>,
    /// Address spaces of the agents' processes.
    pub(super) spaces: &'a [Space],
    /// Who maps what in them.
    pub(super) owners: &'a Owners,
    /// The kernel's own account of its frames, if it has published one that can be read.
    pub(super) account: Option<&'a FrameTable>,
    pub(super) names: &'a mut Names,
    /// What may be looked at.
    pub(super) effort: &'a Effort,
}

/// Every rule.
#[derive(Default)]
pub(super) struct Rules {
    pub(super) evidence: evidence::EvidenceRule,
    speaker: speaker::Speaker,
    printer: printer::Printer,
    ended: ended::Ended,
    reports: reports::Reports,
    user_half: user_half::UserHalf,
    inside: inside::Inside,
    kernel_half: kernel_half::KernelHalf,
    references: references::References,
    pub(super) struct_pages: struct_pages::StructPagesRule,
    process_memory: process_memory::ProcessMemory,
    shadow_table: shadow_table::ShadowTableRule,
    page_walk: page_walk::PageWalk,
    page_cache: page_cache::PageCacheRule,
    pub(super) life: life::LifeRule,
    clock: clock::Ticks,
    pub(super) user_faults: user_faults::UserFaults,
}

impl Rules {
    /// The rules for a guest that promises these reports.
    pub(super) fn new(promises: Promises) -> Rules {
        Rules {
            evidence: evidence::EvidenceRule::new(promises),
            ..Rules::default()
        }
    }

    /// Those that can be judged with these reports.
    pub(super) fn judged(&mut self, promises: &Promises) -> impl Iterator<Item = &mut dyn StandingRule> {
        let can_be =
            |rule: &&mut dyn StandingRule| rule.needs().iter().all(|(_, needs)| promises.has(*needs));
        self.all().into_iter().filter(can_be)
    }

    /// All of them, in the order in which they look: whoever names a frame first names it for the whole report.
    pub(super) fn all(&mut self) -> [&mut dyn StandingRule; 17] {
        [
            &mut self.evidence,
            &mut self.speaker,
            &mut self.printer,
            &mut self.ended,
            &mut self.reports,
            &mut self.user_half,
            &mut self.inside,
            &mut self.kernel_half,
            &mut self.references,
            &mut self.struct_pages,
            &mut self.process_memory,
            &mut self.shadow_table,
            &mut self.page_walk,
            &mut self.page_cache,
            &mut self.life,
            &mut self.clock,
            &mut self.user_faults,
        ]
    }
}

#[cfg(test)]
impl Rules {
    /// How many reports could not be read, or not be kept.
    pub(super) fn unreadable_reports(&self) -> u64 {
        self.reports.unreadable()
    }
}

/// Findings of the inspector in the judge's terms, and how many were left out.
fn told<T>(found: &Findings<T>, rule: Rule, place: &str, convert: impl FnMut(&T) -> Finding) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found.as_slice().iter().map(convert).collect();
    if found.omitted() > 0 {
        let more = format!("{} more findings like these", found.omitted());
        findings.push(Finding::new(rule, place, "none", more));
    }
    findings
}

/// What is odd about page tables is the guest's doing; that there is too much to look at is missing evidence.
fn page_tables(place: impl Into<Printable>, anomaly: &Anomaly) -> Finding {
    match anomaly {
        Anomaly::Unfinished { .. } => Finding::missing(
            place,
            "page tables that can be looked at as a whole",
            anomaly.to_string(),
        ),
        Anomaly::RootOutsideMemory { .. }
        | Anomaly::Malformed { .. }
        | Anomaly::Loop { .. }
        | Anomaly::SharedTable { .. } => Finding::new(
            Rule::PageTables,
            place,
            "well-formed page tables",
            anomaly.to_string(),
        ),
    }
}
