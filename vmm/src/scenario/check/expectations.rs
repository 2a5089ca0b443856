//! Check steps.

use std::collections::HashSet;

use abi::PAGE_SIZE;
use abi::boot::MAX_MEMORY_MIB;

use super::document::in_range;
use super::world::{End, State, World};
use super::{CheckError, Findings, operations};
use crate::scenario::language::{
    Calls, CheckStep, ContentAt, Expectation, PageDiff, ProcessAddress, ProcessEnding, ProcessName,
    ProcessRegion, RegionAddress,
};
use crate::scenario::path::Path;

/// Most pages that a guest can have.
const MAX_PAGES: u64 = (MAX_MEMORY_MIB << 20) / PAGE_SIZE;

pub(super) fn check(step: &CheckStep, path: &Path, world: &mut World, findings: &mut Findings) {
    if step.title.trim().is_empty() {
        findings.add(path.key("check"), CheckError::Empty { what: "the title" });
    }
    if step.expect.is_empty() {
        findings.add(
            path.key("expect"),
            CheckError::Empty {
                what: "the list of expectations",
            },
        );
    }
    for (index, expectation) in step.expect.iter().enumerate() {
        let path = path.key("expect").index(index);
        ExpectationCheck { world, findings }.expectation(expectation, &path);
    }
    world.last_check = Some(world.step);
}

/// What is known at the step of an expectation.
struct ExpectationCheck<'a> {
    world: &'a World,
    findings: &'a mut Findings,
}

impl ExpectationCheck<'_> {
    fn expectation(&mut self, expectation: &Expectation, path: &Path) {
        match expectation {
            Expectation::SameFrame(places) => self.addresses(places, 2, &path.key("same_frame")),
            Expectation::DifferentFrames(places) => self.addresses(places, 2, &path.key("different_frames")),
            Expectation::Mapped(places) => self.addresses(places, 1, &path.key("mapped")),
            Expectation::NotMapped(places) => self.addresses(places, 1, &path.key("not_mapped")),
            Expectation::SwappedOut(places) => {
                let path = path.key("swapped_out");
                self.addresses(places, 1, &path);
                let disk = self.world.disk();
                self.findings.keep(&path, disk);
            }
            Expectation::Writable(places) => self.addresses(places, 1, &path.key("writable")),
            Expectation::NotWritable(places) => self.addresses(places, 1, &path.key("not_writable")),
            Expectation::Content(content) => self.content(content, &path.key("content")),
            Expectation::Dirtied { region, pages } => self.dirtied(region, pages, &path.key("dirtied")),
            Expectation::Spte { at, .. } => {
                // Of a target that has ended the table still tells.
                let in_region = self
                    .world
                    .named(&at.process)
                    .and_then(|target| target.holds(&at.process, &at.place, 1));
                self.findings.keep(&path.key("spte").key("at"), in_region);
            }
            Expectation::ModulePages(expected) => {
                let path = path.key("module_pages");
                let count = in_range("the number of pages", expected.pages, 1, MAX_PAGES);
                if self.findings.keep(&path.key("pages"), count).is_some() {
                    self.in_region(&expected.at, expected.pages * PAGE_SIZE, &path.key("at"));
                }
            }
            Expectation::FrameKept(places) => self.frame_kept(places, &path.key("frame_kept")),
            Expectation::FreeFrames { .. } | Expectation::Loaded(_) | Expectation::Tracked(_) => {}
            Expectation::ExitStatus(ProcessEnding { of, .. }) => {
                let ended = self.ended(of);
                self.findings.keep(&path.key("exit_status").key("of"), ended);
            }
            Expectation::Diff(pages) => self.diff(pages, &path.key("diff")),
            Expectation::Calls(calls) => self.calls(calls, &path.key("calls")),
            Expectation::Faulted { process, at, .. } => self.faulted(process, at, &path.key("faulted")),
        }
    }

    fn addresses(&mut self, places: &[ProcessAddress], least: usize, path: &Path) {
        if places.len() < least {
            self.findings.add(
                path.clone(),
                CheckError::TooFewAddresses {
                    least,
                    found: places.len(),
                },
            );
        }
        let mut seen = HashSet::new();
        for (index, address) in places.iter().enumerate() {
            if !seen.insert(address) {
                self.findings.add(
                    path.index(index),
                    CheckError::ListedTwice {
                        found: address.to_string(),
                    },
                );
            }
            self.in_region(address, 1, &path.index(index));
        }
    }

    fn content(&mut self, expected: &ContentAt<ProcessAddress>, path: &Path) {
        operations::content(&expected.content, path, self.findings);
        self.in_region(&expected.at, expected.content.len_bytes(), &path.key("at"));
    }

    fn in_region(&mut self, address: &ProcessAddress, len_bytes: u64, path: &Path) {
        let ProcessAddress { process, place } = address;
        let in_region = self
            .world
            .single(process)
            .and_then(|living| living.holds(process, place, len_bytes));
        self.findings.keep(path, in_region);
    }

    fn dirtied(&mut self, region: &ProcessRegion, pages: &[u64], path: &Path) {
        let found = self
            .world
            .region(&region.process, &region.region)
            .map(|region| region.pages);
        let Some(region_pages) = self.findings.keep(&path.key("region"), found) else {
            return;
        };
        let mut seen = HashSet::new();
        for (index, page) in pages.iter().enumerate() {
            let path = path.key("pages").index(index);
            if !seen.insert(page) {
                self.findings.add(
                    path,
                    CheckError::ListedTwice {
                        found: page.to_string(),
                    },
                );
            } else if *page >= region_pages {
                let region = region.region.to_string();
                self.findings.add(
                    path,
                    CheckError::PagePastRegion {
                        region,
                        page: *page,
                        pages: region_pages,
                    },
                );
            }
        }
    }

    fn frame_kept(&mut self, places: &[ProcessAddress], path: &Path) {
        self.addresses(places, 1, path);
        let Some(last_check) = self.world.last_check else {
            self.findings.add(path.clone(), CheckError::NoEarlierCheck);
            return;
        };
        for (index, address) in places.iter().enumerate() {
            let Ok(process) = self.world.single(&address.process) else {
                continue;
            };
            let Some(region) = process.regions.get(&address.place.region) else {
                continue;
            };
            if process.since_step.max(region.since_step) > last_check {
                let error = CheckError::NotAtLastCheck {
                    found: address.to_string(),
                    step: last_check,
                };
                self.findings.add(path.index(index), error);
            }
        }
    }

    fn ended(&self, name: &ProcessName) -> Result<End, CheckError> {
        match self.world.named(name)?.state {
            State::Ended { how, .. } | State::Reaped { how, .. } => Ok(how),
            State::Ready | State::Waiting { .. } => Err(CheckError::NotEnded {
                process: name.to_string(),
            }),
        }
    }

    fn diff(&mut self, diff: &[PageDiff], path: &Path) {
        let Some(last_check) = self.world.last_check else {
            self.findings.add(path.clone(), CheckError::NoEarlierCheck);
            return;
        };
        for (index, PageDiff { at, pages, is }) in diff.iter().enumerate() {
            let path = path.index(index);
            if at.place.bytes % PAGE_SIZE != 0 {
                let address = at.to_string();
                self.findings
                    .add(path.key("at"), CheckError::WithinPage { address });
            }
            let count = in_range("the number of pages", *pages, 1, MAX_PAGES);
            if self.findings.keep(&path.key("pages"), count).is_some() {
                self.in_region(at, pages.saturating_mul(PAGE_SIZE), &path.key("at"));
            }
            if is.is_empty() {
                let what = "the list of what is otherwise";
                self.findings.add(path.key("is"), CheckError::Empty { what });
            }
            if let Some(alone) = is.iter().position(|change| change.is_alone() && is.len() > 1) {
                let found = is[alone].to_string();
                self.findings
                    .add(path.key("is").index(alone), CheckError::DiffAlone { found });
            }
            if let Ok(process) = self.world.single(&at.process)
                && process.since_step > last_check
            {
                let error = CheckError::NotAtLastCheck {
                    found: at.process.to_string(),
                    step: last_check,
                };
                self.findings.add(path.key("at"), error);
            }
        }
    }

    fn calls(&mut self, calls: &Calls, path: &Path) {
        if calls.named().next().is_none() {
            self.findings.add(path.clone(), CheckError::NothingOfCalls);
        }
        for (key, index, name) in calls.named() {
            let path = path.key(key);
            let path = index.map_or(path.clone(), |index| path.index(index));
            self.findings.keep(&path, self.world.function(name));
        }
        if let Some(process) = &calls.process {
            let known = self.world.named(process).map(drop);
            self.findings.keep(&path.key("in"), known);
        }
    }

    fn faulted(&mut self, process: &ProcessName, at: &RegionAddress, path: &Path) {
        let fault = self.ended(process).and_then(|how| match how {
            End::Fault => Ok(()),
            End::Exit | End::Kill => Err(CheckError::NotFaulted {
                process: process.to_string(),
            }),
        });
        let Some(()) = self.findings.keep(&path.key("process"), fault) else {
            return;
        };
        let in_region = self
            .world
            .named(process)
            .and_then(|ended| ended.holds(process, at, 1));
        self.findings.keep(&path.key("at"), in_region);
    }
}
