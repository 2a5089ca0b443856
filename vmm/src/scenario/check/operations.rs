//! Operation steps.

use abi::doorbell::MAX_TRANSFER_BYTES;
use abi::linux::pagemap::ENTRY_BYTES;
use abi::{PAGE_SIZE, paging};

use super::document::in_range;
use super::memory::Longest;
use super::world::{End, Kind, State, World};
use super::{CheckError, Findings, Surroundings, waiting};
use crate::scenario::language::{
    Content, ContentAt, Expected, Operation, OperationStep, ProcessAddress, RegionAddress, RegionName,
};
use crate::scenario::path::Path;

/// Most pages that a process can address.
const MAX_PAGES: u64 = paging::USER_END / PAGE_SIZE;

pub(super) fn check(
    step: &OperationStep,
    path: &Path,
    surroundings: &Surroundings<'_>,
    world: &mut World,
    findings: &mut Findings,
) {
    if findings.keep(&path.key("in"), may_act(step, world)).is_none() {
        return;
    }
    StepCheck {
        step,
        path,
        world,
        findings,
    }
    .operation(surroundings);
}

/// Whether the process is there and free to act.
fn may_act(step: &OperationStep, world: &World) -> Result<(), CheckError> {
    let process = &step.process;
    if process.is_init() && !matches!(step.operation, Operation::Wait { .. } | Operation::Finish) {
        return Err(CheckError::InitMisused);
    }
    let ends = matches!(step.operation, Operation::Exit { .. });
    let state = if ends {
        &world.living(process)?.state
    } else {
        &world.single(process)?.state
    };
    match (state, &step.operation) {
        (State::Waiting { .. }, Operation::Finish) => Ok(()),
        (_, Operation::Finish) => Err(CheckError::NothingToFinish {
            process: process.to_string(),
        }),
        (State::Waiting { step, .. }, _) => Err(CheckError::ProcessWaits {
            process: process.to_string(),
            step: *step,
        }),
        (State::Ready | State::Ended { .. } | State::Reaped { .. }, _) => Ok(()),
    }
}

/// One step, and what is known at it.
pub(super) struct StepCheck<'a> {
    pub(super) step: &'a OperationStep,
    pub(super) path: &'a Path,
    pub(super) world: &'a mut World,
    pub(super) findings: &'a mut Findings,
}

impl StepCheck<'_> {
    fn operation(&mut self, surroundings: &Surroundings<'_>) {
        let step = self.step;
        match &step.operation {
            Operation::Mmap { .. } => self.mmap(&step.operation),
            Operation::Munmap { at, pages, bytes } => {
                self.range(at, *pages, *bytes, Longest::Addressable);
            }
            Operation::Mprotect { at, pages, bytes, .. } => {
                self.range(at, *pages, *bytes, Longest::WithoutWrapping);
            }
            Operation::Madvise {
                at,
                pages,
                bytes,
                advice,
            } => {
                self.advice(*advice);
                self.range(at, *pages, *bytes, Longest::WithoutWrapping);
            }
            Operation::Brk { pages } => self.brk(*pages),
            Operation::TouchStack { region, pages } => self.touch_stack(region, *pages),
            Operation::StackRoom { region, pages } => {
                self.page_count("pages", *pages, self.world.memory_pages);
                let added = self.world.add_region(&step.process, region, *pages);
                self.keep("as", added);
            }
            Operation::Read(access) | Operation::Write(access) => {
                content(&access.content, self.path, self.findings);
                self.access(&access.at, access.content.len_bytes());
                self.end_if_faulting();
            }
            Operation::CopyToUser(copy) | Operation::CopyFromUser(copy) => {
                self.copy_size(copy);
                self.access(&copy.what.at, copy.what.content.len_bytes());
            }
            Operation::MemWrite(copy) | Operation::MemRead(copy) => {
                self.copy_size(copy);
                let ContentAt { at, content } = &copy.what;
                let owner = self.world.single(&at.process);
                let there = owner.and_then(|owner| owner.holds(&at.process, &at.place, content.len_bytes()));
                self.keep("at", there);
            }
            Operation::Fork { child } => self.fork(child, Kind::Single, 1),
            Operation::ForkUntil {
                group,
                limit,
                as_many_as,
            } => {
                self.earlier_group(as_many_as.as_ref());
                self.fork(group, Kind::Group, *limit);
            }
            Operation::Exit { .. } => self.world.end(&step.process, End::Exit),
            Operation::Execve { program, path } => self.execve(program, *path, surroundings),
            Operation::Kill { of, signal } => self.kill(of, *signal),
            Operation::Getppid { is } => self.getppid(is),
            Operation::Sleep { ms } => waiting::sleep(step, *ms, self.path, self.world, self.findings),
            Operation::Spin => waiting::spin(step, self.path, self.world, self.findings),
            Operation::Wait { .. } => waiting::wait(step, self.path, self.world, self.findings),
            Operation::Finish => waiting::finish(step, self.path, self.world, self.findings),
            Operation::ShadowptOpen {
                of,
                from,
                to,
                entries,
                ..
            } => self.shadowpt_open(of, from, to, entries),
            Operation::Pagemap { of, is, .. } => self.pagemap(of, is.len() as u64),
            Operation::ShadowptPageContents { of, into } => self.shadowpt_page_contents(of, into),
            Operation::SchedYield
            | Operation::Setuid { .. }
            | Operation::FailNth { .. }
            | Operation::ShadowptClose
            | Operation::ShadowptStart
            | Operation::ShadowptStop => {}
            Operation::Exec {
                program,
                args,
                status,
                starts,
                ..
            } => {
                self.exec(program, args, *status, surroundings);
                self.starts(starts, surroundings);
            }
        }
    }

    fn brk(&mut self, change: i64) {
        let heap = self
            .world
            .region(&self.step.process, &RegionName::heap())
            .map(|heap| heap.heap_pages);
        let Some(present) = self.keep("pages", heap) else {
            return;
        };
        if change < 0 {
            let shrink = change.unsigned_abs();
            if shrink > present {
                self.findings.add(
                    self.path.key("pages"),
                    CheckError::HeapTooSmall { present, shrink },
                );
                return;
            }
        } else {
            self.page_count("pages", change.unsigned_abs(), self.world.memory_pages);
        }
        if self.step.expected == Expected::Success {
            let region = self
                .world
                .named_mut(&self.step.process)
                .regions
                .get_mut(&RegionName::heap());
            let heap = region.expect("every process has a heap");
            heap.heap_pages = present.saturating_add_signed(change);
            heap.pages = heap.pages.max(heap.heap_pages);
        }
    }

    fn touch_stack(&mut self, region: &RegionName, pages: u64) {
        self.page_count("pages", pages, self.world.memory_pages);
        if self.step.expected == Expected::Success {
            let added = self.world.add_region(&self.step.process, region, pages);
            self.keep("as", added);
        }
        self.end_if_faulting();
    }

    fn pagemap(&mut self, of: &ProcessAddress, pages: u64) {
        let most = MAX_TRANSFER_BYTES / ENTRY_BYTES;
        let least = u64::from(self.step.expected == Expected::Success);
        let count = in_range("the number of pages", pages, least, most);
        if self.keep("is", count).is_some() {
            let there = self.world.single(&of.process).and_then(|owner| {
                owner.holds(
                    &of.process,
                    &of.place,
                    pages.max(1) * PAGE_SIZE - of.place.bytes % PAGE_SIZE,
                )
            });
            self.keep("of", there);
        }
    }

    fn end_if_faulting(&mut self) {
        if matches!(self.step.expected, Expected::Fault(_)) {
            self.world.end(&self.step.process, End::Fault);
        }
    }

    /// A size that could be meant.
    pub(super) fn page_count(&mut self, key: &str, found: u64, memory_pages: u64) {
        let refused = self.step.expected != Expected::Success;
        let error = match found {
            0 if !refused => CheckError::NoPages,
            _ if found > MAX_PAGES => CheckError::TooManyPages {
                most: MAX_PAGES,
                found,
            },
            _ if found > memory_pages && !refused => CheckError::MoreThanMemory { found, memory_pages },
            _ => return,
        };
        self.findings.add(self.path.key(key), error);
    }

    /// Pages that lie in their region: what is behind it may be the agent's own memory.
    pub(super) fn page_range(&mut self, at: &RegionAddress, count: u64) {
        let region = self
            .world
            .region(&self.step.process, &at.region)
            .map(|region| region.pages);
        let Some(pages) = self.keep("at", region) else {
            return;
        };
        let page = at.offset_bytes().unwrap_or(u64::MAX) / PAGE_SIZE;
        let name = || at.region.to_string();
        let error = if page >= pages {
            CheckError::PagePastRegion {
                region: name(),
                page,
                pages,
            }
        } else if count > pages - page {
            CheckError::PagesPastRegion {
                region: name(),
                page,
                count,
                pages,
            }
        } else if !at.bytes.is_multiple_of(PAGE_SIZE) && self.step.expected == Expected::Success {
            CheckError::Misaligned {
                address: at.to_string(),
            }
        } else {
            return;
        };
        self.findings.add(self.path.key("at"), error);
    }

    pub(super) fn keep<T>(&mut self, key: &str, result: Result<T, CheckError>) -> Option<T> {
        self.findings.keep(&self.path.key(key), result)
    }
}

/// Whether a content has a length that means something, wherever it is.
pub(super) fn content(content: &Content, path: &Path, findings: &mut Findings) {
    let (key, most) = match content {
        Content::Text(_) => ("text", MAX_TRANSFER_BYTES),
        Content::Fill(_) => ("fill", MAX_PAGES * PAGE_SIZE),
        Content::Zeros(_) => ("zeros", MAX_PAGES * PAGE_SIZE),
    };
    let found = content.len_bytes();
    if found == 0 || found > most {
        findings.add(path.key(key), CheckError::ContentLength { most, found });
    }
}
