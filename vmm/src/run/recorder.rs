//! Records the named memory of processes after each step, for reports that show it: [`MemoryMap`].
//!
//! Frames get their names only when the run has ended, after all that findings and expectations mention. So a report says the same whether
//! memory is recorded or not.
//!
//! **Invariant:** what is kept is bounded, whatever a scenario maps: by [`MAX_AREA_PAGES`], [`MAX_PROCESS_PAGES`] and [`MAX_PAGES`].

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::address::{FrameNumber, VirtAddr};
use crate::channel::Channel;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{Permissions, Root, translate};
use crate::judge::{Judge, Scene};
use crate::model::PageNumber;
use crate::report::{Area, Line, MappedFrame, MappedPage, MemoryMap, ProcessMemory};

/// Most pages that are recorded of an area. Of a longer one those are left out that are not in memory.
const MAX_AREA_PAGES: usize = 32;
/// Most pages that are recorded of a process after one step.
const MAX_PROCESS_PAGES: usize = 64;
/// Most pages that are recorded in a run; later steps have none.
const MAX_PAGES: usize = 4000;

/// What has been seen in a run.
#[derive(Default)]
pub(super) struct Recorder {
    /// For each line that was looked at, its place in the report, and the processes.
    steps: Vec<(usize, Vec<Process>)>,
    pages: usize,
    key: RandomState,
    /// What each page held when it was last looked at.
    held: BTreeMap<Channel, BTreeMap<PageNumber, u64>>,
}

struct Process {
    name: String,
    areas: Vec<SeenArea>,
}

struct SeenArea {
    name: String,
    length_pages: usize,
    pages: Vec<SeenPage>,
}

struct SeenPage {
    page: u64,
    mapped_for: String,
    on: Option<(FrameNumber, Permissions)>,
    is_written: bool,
}

impl Recorder {
    /// Looks at what there is after the step of the report's line `line`.
    pub(super) fn look(&mut self, line: usize, scene: &Scene<'_>) {
        if self.pages >= MAX_PAGES {
            return;
        }
        let agents = scene.agents.alive();
        let processes: Vec<Process> = agents
            .map(|(agent, root)| Process {
                name: agent.name.clone(),
                areas: self.areas(agent.channel, root, scene),
            })
            .filter(|process| !process.areas.is_empty())
            .collect();
        self.steps.push((line, processes));
    }

    fn areas(&mut self, process: Channel, root: Root, scene: &Scene<'_>) -> Vec<SeenArea> {
        let memory = PhysicalMemory::new(scene.stop.memory());
        let is_new = !self.held.contains_key(&process);
        let mut areas: Vec<SeenArea> = Vec::new();
        let mut recorded = 0;
        for (number, mapped_for) in named_pages(process, scene) {
            let address = VirtAddr(number * PAGE_SIZE);
            let Some((name, page)) = scene.regions.page(process, address) else {
                continue;
            };
            let found = translate(memory, root, address).ok();
            let on = found
                .filter(|found| found.permissions.user)
                .map(|found| (found.frame(), found.permissions));
            if mapped_for.is_empty() && on.is_none() {
                continue;
            }
            let is_written =
                on.is_some_and(|(frame, _)| self.has_changed(process, number, frame, is_new, memory));
            if areas.last().is_none_or(|area| area.name != name) {
                areas.push(SeenArea {
                    name: name.to_owned(),
                    length_pages: 0,
                    pages: Vec::new(),
                });
            }
            let Some(area) = areas.last_mut() else { continue };
            area.length_pages += 1;
            if recorded < MAX_PROCESS_PAGES {
                recorded += 1;
                area.pages.push(SeenPage {
                    page,
                    mapped_for,
                    on,
                    is_written,
                });
                recorded -= area.shorten();
            }
        }
        self.pages += recorded;
        areas
    }

    /// Whether a page holds something else than when it was last looked at. A new page holds zeros before, and what a new process has is
    /// its parent's.
    fn has_changed(
        &mut self,
        process: Channel,
        number: PageNumber,
        frame: FrameNumber,
        is_new: bool,
        memory: PhysicalMemory<'_>,
    ) -> bool {
        let mut contents = FrameBytes::zeroed();
        if memory.copy_frame(frame, &mut contents).is_err() {
            return false;
        }
        let holds = self.key.hash_one(contents.0.as_slice());
        let pages = self.held.entry(process).or_default();
        let held = pages.insert(number, holds);
        let zeros = || self.key.hash_one(FrameBytes::zeroed().0.as_slice());
        !is_new && held.unwrap_or_else(zeros) != holds
    }

    /// Gives the lines of the report what was seen after each.
    pub(super) fn tell(self, judge: &mut Judge, lines: &mut [Line]) {
        let last = (self.pages >= MAX_PAGES).then(|| self.steps.last().map(|(line, _)| *line));
        let last = last.flatten();
        for (line, processes) in self.steps {
            let processes = processes.into_iter().map(|process| ProcessMemory {
                process: process.name.into(),
                areas: process.areas.into_iter().map(|area| area.named(judge)).collect(),
            });
            let processes = processes.collect();
            let is_last = last == Some(line);
            if let Some(line) = lines.get_mut(line) {
                line.memory = Some(MemoryMap { processes, is_last });
            }
        }
    }
}

impl SeenArea {
    /// Of a long area leaves the last page out if it is not in memory, or one too many. Returns how many pages it left out.
    fn shorten(&mut self) -> usize {
        let before = self.pages.len();
        if self.length_pages > MAX_AREA_PAGES {
            self.pages.retain(|page| page.on.is_some());
            self.pages.truncate(MAX_AREA_PAGES);
        }
        before - self.pages.len()
    }

    fn named(self, judge: &mut Judge) -> Area {
        let pages = self.pages.into_iter().map(|page| MappedPage {
            page: page.page,
            mapped_for: page.mapped_for,
            on: page.on.map(|(frame, permissions)| MappedFrame {
                frame: judge.frame_name(frame).into(),
                allows: rights(true, permissions.writable, permissions.executable),
            }),
            is_written: page.is_written,
        });
        Area {
            name: self.name.into(),
            length_pages: self.length_pages,
            pages: pages.collect(),
        }
    }
}

/// The pages that steps named, by address, with what they were mapped for; for pages that were unmapped, nothing.
fn named_pages(process: Channel, scene: &Scene<'_>) -> BTreeMap<PageNumber, String> {
    let removed = scene.model.removed_pages(process);
    let mut pages: BTreeMap<PageNumber, String> =
        removed.map(|(number, _)| (number, String::new())).collect();
    pages.extend(scene.model.pages(process).map(|(number, page)| {
        let may = |bit| page.protection & bit != 0;
        (number, rights(may(PROT_READ), may(PROT_WRITE), may(PROT_EXEC)))
    }));
    pages
}

fn rights(read: bool, write: bool, execute: bool) -> String {
    [(read, 'r'), (write, 'w'), (execute, 'x')]
        .map(|(may, letter)| if may { letter } else { '-' })
        .iter()
        .collect()
}
