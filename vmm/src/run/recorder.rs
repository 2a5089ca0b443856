//! Records the named memory of processes after each step, for reports that show it: [`MemoryMap`].
//!
//! Frames get their names only when the run has ended, after all that findings and expectations mention. So a report says the same whether
//! memory is recorded or not.
//!
//! **Invariant:** what is kept is bounded, whatever a scenario maps: by [`MAX_AREA_PAGES`], [`MAX_PROCESS_PAGES`] and [`MAX_PAGES`].

use std::collections::BTreeMap;

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};
use sha2::{Digest, Sha256};

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
    /// What each page held when it was last looked at.
    held: BTreeMap<Channel, BTreeMap<PageNumber, Contents>>,
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
    on: Option<SeenFrame>,
    is_written: bool,
}

struct SeenFrame {
    frame: FrameNumber,
    permissions: Permissions,
    /// None when it cannot be read.
    contents: Option<Contents>,
}

/// What a page holds: the first eight bytes of its SHA-256.
type Contents = u64;

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
                .map(|found| SeenFrame {
                    frame: found.frame(),
                    permissions: found.permissions,
                    contents: contents(found.frame(), memory),
                });
            if mapped_for.is_empty() && on.is_none() {
                continue;
            }
            let contents = on.as_ref().and_then(|on| on.contents);
            let is_written =
                contents.is_some_and(|contents| self.has_changed(process, number, contents, is_new));
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
    fn has_changed(&mut self, process: Channel, number: PageNumber, holds: Contents, is_new: bool) -> bool {
        let pages = self.held.entry(process).or_default();
        let held = pages.insert(number, holds);
        let zeros = || digest(&FrameBytes::zeroed());
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
            on: page.on.map(|on| MappedFrame {
                frame: judge.frame_name(on.frame).into(),
                allows: rights(true, on.permissions.writable, on.permissions.executable),
                contents: on
                    .contents
                    .map_or_else(String::new, |contents| format!("{contents:016x}")),
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

fn contents(frame: FrameNumber, memory: PhysicalMemory<'_>) -> Option<Contents> {
    let mut bytes = FrameBytes::zeroed();
    memory.copy_frame(frame, &mut bytes).ok()?;
    Some(digest(&bytes))
}

fn digest(bytes: &FrameBytes) -> Contents {
    let digest = Sha256::digest(bytes.0.as_slice());
    u64::from_be_bytes(*digest.first_chunk().expect("it has 32 bytes"))
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
