//! The judge: holds what the guest did against what it should have done.
//!
//! Nothing here asks the guest. Page tables, frames and the dirty log are read while it stands still ([`crate::inspect`]),
//! what must be in memory comes from the reference model ([`crate::model`]). The kernel's own account of its frames may
//! add findings; it never takes one away.
//!
//! - [`Judge::audit`]: the rules that hold after every step ([`invariants`])
//! - [`Judge::check`]: the expectations of a check step ([`expectations`])
//! - [`Judge::last_process_ended`]: whether every frame has come back ([`account`]), and every process
//! - [`module_pages`]: whether a process maps the frames that a module offers
//! - [`shadowpt`]: whether a shadow page table says of its target what is true of it
//! - [`user_faults`]: whether faults that programs serve are what the page tables have them be
//! - [`life`]: whether the processes' reported states follow one another as they may

mod account;
mod clock;
mod expectations;
mod finding;
mod invariants;
pub mod life;
mod log;
mod module_pages;
mod names;
mod page_cache;
mod shadowpt;
mod user_faults;

use std::collections::{BTreeMap, BTreeSet};

pub use expectations::Judged;
pub use finding::{Blame, Finding, Rule};

use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::block::{Disk, Failure};
use crate::channel::event::FatalFault;
use crate::channel::{Channel, Event};
use crate::drive::{Agents, Sighting};
use crate::inspect::audit::KernelFinding;
use crate::inspect::dirty::DirtyTracker;
use crate::inspect::{Effort, Findings, FrameSet, PhysicalMemory};
use crate::model::{Model, PageNumber};
use crate::perform::Regions;
use crate::printable::Printable;
use crate::scenario::CheckStep;
use crate::vm::{Stop, VmError};
use account::Account;
use life::Life;
use log::Log;
use names::Names;
use page_cache::PageCache;

/// Everything there is to look at while the guest stands still.
pub struct Scene<'a> {
    /// The machine.
    pub stop: Stop<'a>,
    /// Who is there.
    pub agents: &'a Agents,
    /// What must be in memory.
    pub model: &'a Model,
    /// Where named regions are.
    pub regions: &'a Regions,
}

impl Scene<'_> {
    fn memory(&self) -> PhysicalMemory<'_> {
        PhysicalMemory::new(self.stop.memory())
    }

    /// Name of a process.
    fn process(&self, process: Channel) -> String {
        self.agents
            .get(process)
            .map_or_else(|| process.to_string(), |agent| agent.name.clone())
    }

    /// Name of a place in a process's memory.
    fn place(&self, process: Channel, address: VirtAddr) -> String {
        let name = self
            .regions
            .name(process, address)
            .unwrap_or_else(|| address.to_string());
        format!("{}:{name}", self.process(process))
    }
}

/// What things were like at some moment, to compare with later.
#[derive(Default)]
struct Moment {
    /// Frame behind each modelled page.
    frames: BTreeMap<(Channel, PageNumber), FrameNumber>,
    /// Free frames, if the kernel tells.
    free_frames: Option<u64>,
}

/// Most processes whose last fatal fault is kept.
const MAX_FAULTS: usize = 1 << 14;
/// Most findings that the rules after the steps add to one report.
const MAX_FINDINGS: usize = 4096;

/// Most modules of whose pages note is taken.
const MAX_OFFERS: usize = 64;

/// Judges one run.
#[derive(Default)]
pub struct Judge {
    names: Names,
    /// What the scans after the steps may look at.
    effort: Effort,
    dirty: Option<DirtyTracker>,
    page_cache: Option<PageCache>,
    /// Frames that were written since files were looked at last.
    written: Option<FrameSet>,
    account: Account,
    life: Life,
    shadow: shadowpt::LastSeen,
    /// What was wrong with the kernel's own mappings at moments within steps.
    looks: Findings<KernelFinding>,
    /// Pages that modules say they offer, by the module's name: address in the kernel, and number.
    offered: BTreeMap<Printable, (VirtAddr, u64)>,
    missed_looks: u64,
    user_faults: user_faults::UserFaults,
    start: Moment,
    last_check: Moment,
    faults: BTreeMap<u32, FatalFault>,
    reported: BTreeSet<Finding>,
    malformed_reports: Findings<Printable>,
    log: Log,
}

impl Judge {
    /// Takes note of what the kernel reported. Claims, all of them.
    pub fn note(&mut self, events: Vec<Event>) {
        for event in events {
            self.life.note(&event);
            match event {
                Event::FrameTable { base, frames } => self.account.published(base, frames),
                Event::FatalFault(fault) => {
                    if self.faults.len() < MAX_FAULTS || self.faults.contains_key(&fault.pid) {
                        self.faults.insert(fault.pid, fault);
                    } else {
                        self.malformed_reports
                            .push(format!("fatal faults of more than {MAX_FAULTS} processes").into());
                    }
                }
                Event::Malformed { reason } => self.malformed_reports.push(reason),
                Event::Log { message } => self.log.note(message),
                Event::PagesOffered {
                    module,
                    address,
                    pages,
                } => {
                    if self.offered.len() < MAX_OFFERS || self.offered.contains_key(&module) {
                        self.offered.insert(module, (address, pages));
                    } else {
                        self.malformed_reports
                            .push(format!("pages of more than {MAX_OFFERS} modules").into());
                    }
                }
                Event::PagesProtected
                | Event::Booted
                | Event::Created { .. }
                | Event::Executed { .. }
                | Event::Exited { .. }
                | Event::Reaped { .. }
                | Event::Panic { .. }
                | Event::PowerOff
                | Event::FirstUser
                | Event::Switched { .. }
                | Event::Woken { .. }
                | Event::ThreadCreated { .. }
                | Event::ThreadExited { .. }
                | Event::Adopted { .. }
                | Event::UserFaultRegistered { .. }
                | Event::UserFault { .. }
                | Event::UserFaultServed { .. }
                | Event::Choice(_) => {}
            }
        }
    }

    /// Takes note of what was seen of the kernel's own mappings while it changed them, and how often it was not looked at.
    pub fn note_looks(&mut self, (found, missed): (Findings<KernelFinding>, u64)) {
        self.looks.append(found);
        self.missed_looks = missed;
    }

    /// Takes note of what was seen of faults that programs serve. What was written meanwhile counts as written.
    pub fn note_user_faults(&mut self, mut sighting: Sighting) {
        if let Some(written) = sighting.written.take() {
            if let Some(dirty) = &mut self.dirty {
                dirty.record(written.words());
            }
            if let Some(unseen) = &mut self.written {
                unseen.insert_bitmap(written.words());
            }
        }
        self.user_faults.note(sighting);
    }

    /// Remembers how things are before the scenario's first process exists.
    ///
    /// # Errors
    /// The host failed.
    pub fn begin(&mut self, scene: &Scene<'_>) -> Result<(), VmError> {
        let mut dirty = DirtyTracker::new(scene.memory().frames());
        scene
            .stop
            .loaded_frames()
            .iter()
            .for_each(|frames| dirty.record_range(frames.clone()));
        dirty.record(&scene.stop.take_dirty_log()?);
        dirty.checkpoint(scene.memory());
        self.dirty = Some(dirty);
        let (archive, frames) = scene.stop.initrd();
        let mut unseen = FrameSet::new(scene.memory().frames());
        unseen.insert_range(frames.clone());
        self.written = Some(unseen);
        self.page_cache = PageCache::of(archive, frames);
        self.account.begin(scene.memory());
        self.start = self.moment(scene);
        self.last_check = self.moment(scene);
        Ok(())
    }

    /// The rules that hold after every step. A finding is reported once, at the step that brought it about.
    ///
    /// # Errors
    /// The host failed.
    pub fn audit(&mut self, scene: &mut Scene<'_>) -> Result<Vec<Finding>, VmError> {
        let log = scene.stop.take_dirty_log()?;
        let mut written = self
            .written
            .take()
            .unwrap_or_else(|| FrameSet::new(scene.memory().frames()));
        written.insert_bitmap(&log);
        if let Some(dirty) = &mut self.dirty {
            dirty.record(&log);
        }
        let mut findings = invariants::audit(self, scene)?;
        findings.extend(self.files(&written, scene));
        findings.extend(self.life.audit(scene));
        findings.extend(clock::audit(scene));
        findings.extend(self.user_faults.audit());
        written.clear();
        self.written = Some(written);
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

    /// Files in frames that were written must hold what was loaded.
    fn files(&mut self, written: &FrameSet, scene: &Scene<'_>) -> Vec<Finding> {
        let Some(page_cache) = &self.page_cache else {
            let expected = "an archive of programs that can be read";
            return vec![Finding::missing("the page cache", expected, "none")];
        };
        let found = page_cache.check(written, scene.memory(), |frame| self.names.frame(frame));
        let mut findings = Vec::new();
        invariants::push_all(
            &found,
            &mut findings,
            Rule::PageCache,
            "the page cache",
            Finding::clone,
        );
        findings
    }

    /// Judges the expectations of a check step.
    ///
    /// # Errors
    /// The host failed.
    pub fn check(&mut self, step: &CheckStep, scene: &Scene<'_>) -> Result<Vec<Judged>, VmError> {
        let log = scene.stop.take_dirty_log()?;
        if let Some(dirty) = &mut self.dirty {
            dirty.record(&log);
        }
        if let Some(written) = &mut self.written {
            written.insert_bitmap(&log);
        }
        let judged = step
            .expect
            .iter()
            .map(|expectation| self.judge(expectation, scene))
            .collect();
        if let Some(dirty) = &mut self.dirty {
            dirty.checkpoint(scene.memory());
        }
        self.last_check = self.moment(scene);
        Ok(judged)
    }

    /// Whether every frame has come back, now that only the guest's first process is left.
    pub fn last_process_ended(&mut self, scene: &Scene<'_>) -> Vec<Finding> {
        let mut findings = self.account.lost_frames(scene.memory());
        findings.extend(self.life.at_end());
        findings
    }

    /// The kernel's log: the first lines of it, and how many more there were.
    #[must_use]
    pub fn logged(&self) -> Vec<Printable> {
        self.log.told()
    }

    /// What became of the processes, by the kernel's reports.
    #[must_use]
    pub fn history(&self) -> &life::History {
        self.life.history()
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

    fn moment(&self, scene: &Scene<'_>) -> Moment {
        let memory = scene.memory();
        let frames = scene.agents.alive().flat_map(|(agent, root)| {
            let process = agent.channel;
            scene.model.pages(process).filter_map(move |(number, _)| {
                Some(((process, number), invariants::frame_of(memory, root, number)?))
            })
        });
        Moment {
            frames: frames.collect(),
            free_frames: self.account.free_frames(memory),
        }
    }
}

/// Guest physical addresses of the doorbell, the one device that users may map.
fn doorbell() -> std::ops::Range<PhysAddr> {
    PhysAddr(abi::doorbell::PHYS_BASE)..PhysAddr(abi::doorbell::PHYS_BASE + abi::doorbell::LEN_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_without_end_are_told_up_to_a_limit_and_that_there_are_more() {
        let mut judge = Judge::default();
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
        let mut judge = Judge::default();
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
        let told = &judge.malformed_reports;
        let kept = told.as_slice().len() as u64;
        assert_eq!(
            (kept, kept + told.omitted()),
            (Findings::<Printable>::LIMIT as u64, 500)
        );
    }
}
