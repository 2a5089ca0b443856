//! The expectations of check steps.

pub(super) mod calls;
pub(super) mod diff;
mod module_pages;
mod spte;

use abi::PAGE_SIZE;
use abi::paging::{FAULT_FETCH, FAULT_WRITE};

use super::Judge;
use super::scene::{Scene, frame_of};
use crate::address::{FrameNumber, VirtAddr};
use crate::channel::Channel;
use crate::drive::Life;
use crate::finding::Finding;
use crate::finding::{excerpt, status_text};
use crate::inspect::walk::{self, Root, Translation};
use crate::printable::Printable;
use crate::rule::Rule;
use crate::scenario::{
    Access, ContentAt, Expectation, ProcessAddress, ProcessEnding, ProcessName, ProcessRegion, RegionAddress,
    Since,
};

/// What was found of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What was found, in a few words.
    pub found: String,
    /// Where it does not hold; empty when it does.
    pub findings: Vec<Finding>,
}

/// Vector of the page fault.
const PAGE_FAULT: u64 = 14;

/// An address that a check names, resolved.
pub(super) struct Spot {
    pub(super) text: String,
    pub(super) process: Channel,
    pub(super) root: Root,
    pub(super) address: VirtAddr,
}

/// What came of looking: a few words, and whether they are what was expected.
pub(super) type Look = Result<String, Finding>;

impl Judge {
    pub(super) fn judge(&mut self, expectation: &Expectation, scene: &Scene<'_>) -> Judged {
        let looks: Vec<Look> = match expectation {
            Expectation::SameFrame(addresses) => vec![self.same_frame(addresses, scene)],
            Expectation::DifferentFrames(addresses) => vec![self.different_frames(addresses, scene)],
            Expectation::Mapped(addresses) => each(addresses, |address| self.mapped(address, scene)),
            Expectation::NotMapped(addresses) => each(addresses, |address| self.not_mapped(address, scene)),
            Expectation::SwappedOut(addresses) => each(addresses, |address| self.swapped_out(address, scene)),
            Expectation::Writable(addresses) => each(addresses, |address| self.writable(address, scene)),
            Expectation::NotWritable(addresses) => {
                each(addresses, |address| self.not_writable(address, scene))
            }
            Expectation::Content(content) => vec![content_of(content, scene)],
            Expectation::Dirtied { region, pages } => vec![self.dirtied(region, pages, scene)],
            Expectation::ModulePages(expected) => vec![self.module_pages(expected, scene)],
            Expectation::Loaded(expected) => vec![self.rules.user_faults.loaded(expected, scene)],
            Expectation::Tracked(times) => vec![self.rules.user_faults.tracked(times)],
            Expectation::Spte { at, is } => vec![spte::entry(at, is, scene)],
            Expectation::FrameKept(addresses) => each(addresses, |address| self.frame_kept(address, scene)),
            Expectation::FreeFrames { since, change } => vec![self.free_frames(*since, *change, scene)],
            Expectation::ExitStatus(ending) => vec![exit_status(ending, scene)],
            Expectation::Diff(expected) => self.diff(expected, scene),
            Expectation::Calls(expected) => vec![self.calls.look(expected)],
            Expectation::Faulted { process, at, access } => vec![self.faulted(process, at, *access, scene)],
        };
        let mut found = Vec::new();
        let mut findings = Vec::new();
        for look in looks {
            match look {
                Ok(text) => found.push(text),
                Err(finding) => findings.push(finding),
            }
        }
        found.dedup();
        Judged {
            found: found.join(", "),
            findings,
        }
    }

    fn same_frame(&mut self, addresses: &[ProcessAddress], scene: &Scene<'_>) -> Look {
        let frames = frames(addresses, scene)?;
        if frames.windows(2).all(|pair| pair[0] == pair[1]) {
            return Ok(self.names.frame(frames[0]));
        }
        Err(unlike(list(addresses), "one frame", self.frame_list(&frames)))
    }

    fn different_frames(&mut self, addresses: &[ProcessAddress], scene: &Scene<'_>) -> Look {
        let frames = frames(addresses, scene)?;
        let distinct: std::collections::BTreeSet<_> = frames.iter().collect();
        let found = self.frame_list(&frames);
        if distinct.len() == frames.len() {
            return Ok(found);
        }
        Err(unlike(list(addresses), "a frame each", found))
    }

    fn mapped(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let spot = spot(address, scene)?;
        frame(&spot, scene).map(|frame| self.names.frame(frame))
    }

    fn not_mapped(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let spot = spot(address, scene)?;
        match frame(&spot, scene) {
            Ok(frame) => Err(unlike(
                spot.text,
                "not mapped",
                format!("mapped, {}", self.names.frame(frame)),
            )),
            Err(_) => Ok(String::new()),
        }
    }

    fn swapped_out(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let wanted = "not mapped, its contents on the disk";
        let spot = spot(address, scene)?;
        if let Ok(frame) = frame(&spot, scene) {
            let found = format!("mapped, {}", self.names.frame(frame));
            return Err(unlike(spot.text, wanted, found));
        }
        let Some(contents) = scene
            .model
            .page(spot.process, spot.address.0 / PAGE_SIZE)
            .and_then(|page| page.contents)
        else {
            let found = "no step says what it holds";
            return Err(Finding::missing(spot.text, wanted, found));
        };
        match scene.stop.disk() {
            Some(disk) if disk.holds(contents) => Ok(String::new()),
            Some(_) => Err(unlike(spot.text, wanted, "not mapped, and not on the disk")),
            None => Err(unlike(spot.text, wanted, "the guest has no disk")),
        }
    }

    fn writable(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let spot = spot(address, scene)?;
        let found = translation(&spot, scene)?;
        let name = self.names.frame(found.frame());
        if found.permissions.user_writable() {
            return Ok(name);
        }
        Err(unlike(spot.text, "writable", format!("read-only, {name}")))
    }

    fn not_writable(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let spot = spot(address, scene)?;
        match translation(&spot, scene) {
            Ok(found) if found.permissions.user_writable() => Err(unlike(
                spot.text,
                "not writable",
                format!("writable, {}", self.names.frame(found.frame())),
            )),
            Ok(found) => Ok(self.names.frame(found.frame())),
            Err(_) => Ok("not mapped".to_owned()),
        }
    }

    fn dirtied(&mut self, region: &ProcessRegion, pages: &[u64], scene: &Scene<'_>) -> Look {
        let place = region.to_string();
        let (process, root) = live(&region.process, scene)?;
        let Some(span) = scene.regions.get(process, &region.region) else {
            return Err(no_address(place));
        };
        let Some(dirty) = &self.dirty else {
            return Err(no_address(place));
        };
        let memory = scene.memory();
        let changed: std::collections::BTreeSet<FrameNumber> = dirty.changed(memory).into_iter().collect();
        let first = span.start.0 / PAGE_SIZE;
        let found: Vec<u64> = (0..span.pages)
            .filter(|page| frame_of(memory, root, first + page).is_some_and(|frame| changed.contains(&frame)))
            .collect();
        let mut wanted = pages.to_vec();
        wanted.sort_unstable();
        if found == wanted {
            return Ok(String::new());
        }
        Err(unlike(place, page_list(&wanted), page_list(&found)))
    }

    fn frame_kept(&mut self, address: &ProcessAddress, scene: &Scene<'_>) -> Look {
        let spot = spot(address, scene)?;
        let now = frame(&spot, scene)?;
        let before = self
            .last_check
            .pages
            .get(&(spot.process, spot.address.0 / PAGE_SIZE))
            .map(|page| page.frame);
        let found = self.names.frame(now);
        match before {
            Some(before) if before == now => Ok(found),
            Some(before) => Err(unlike(
                spot.text,
                format!("still {}", self.names.frame(before)),
                found,
            )),
            None => Err(unlike(
                spot.text,
                "on a frame at the last check already",
                format!("only now, {found}"),
            )),
        }
    }

    fn free_frames(&mut self, since: Since, change: i64, scene: &Scene<'_>) -> Look {
        let before = match since {
            Since::Start => self.start.free_frames,
            Since::LastCheck => self.last_check.free_frames,
        };
        let (Some(before), Some(now)) = (before, self.account.free_frames(scene.memory())) else {
            let finding = Finding::missing("free frames", "an account of frames", "this kernel has none");
            return Err(finding);
        };
        let found = now.cast_signed() - before.cast_signed();
        if found == change {
            return Ok(String::new());
        }
        Err(unlike("free frames", format!("{change:+}"), format!("{found:+}")))
    }

    fn faulted(
        &mut self,
        process: &ProcessName,
        at: &RegionAddress,
        access: Access,
        scene: &Scene<'_>,
    ) -> Look {
        let place = format!("{process}:{at}");
        let agent = scene
            .agents
            .named(process.as_str())
            .ok_or_else(|| no_process(process))?;
        let address = scene
            .regions
            .address(agent.channel, at)
            .ok_or_else(|| no_address(place.clone()))?;
        let fault = agent.pid.and_then(|pid| self.faults.get(&pid));
        let Some(fault) = fault.filter(|fault| fault.vector == PAGE_FAULT) else {
            return Err(unlike(
                place,
                access.to_string(),
                "the kernel reported no page fault of this process",
            ));
        };
        let found_access = match fault.error_code {
            code if code & FAULT_FETCH != 0 => Access::Execute,
            code if code & FAULT_WRITE != 0 => Access::Write,
            _ => Access::Read,
        };
        let found = VirtAddr(fault.address);
        if found.page_start() == address.page_start() && found_access == access {
            return Ok(String::new());
        }
        let found = format!(
            "{found_access} of {}",
            scene.place(agent.channel, found.page_start())
        );
        Err(unlike(place, access.to_string(), found))
    }

    fn frame_list(&mut self, frames: &[FrameNumber]) -> String {
        frames
            .iter()
            .map(|frame| self.names.frame(*frame))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn content_of(content: &ContentAt<ProcessAddress>, scene: &Scene<'_>) -> Look {
    let spot = spot(&content.at, scene)?;
    let wanted = content.content.to_bytes();
    let mut found = vec![0; wanted.len()];
    match walk::read(scene.memory(), spot.root, spot.address, &mut found) {
        Ok(()) if found == *wanted => Ok(String::new()),
        Ok(()) => Err(unlike(
            spot.text,
            excerpt(&wanted, &found),
            excerpt(&found, &wanted),
        )),
        Err(_) => Err(unlike(spot.text, excerpt(&wanted, &wanted), "not mapped")),
    }
}

fn exit_status(ending: &ProcessEnding, scene: &Scene<'_>) -> Look {
    let name = ending.of.as_str();
    let agent = scene.agents.named(name).ok_or_else(|| no_process(&ending.of))?;
    let expected = status_text(ending.ending.wait_status());
    match agent.life {
        Life::Ended(status) if status == ending.ending.wait_status() => Ok(String::new()),
        Life::Ended(status) => Err(unlike(name, expected, status_text(status))),
        Life::Alive => Err(unlike(name, expected, "still there")),
        Life::Gone => Err(Finding::missing(
            name,
            expected,
            "this kernel does not report how processes end",
        )),
        Life::Untold => Err(Finding::missing(name, expected, "nobody has waited for it yet")),
    }
}

fn each(addresses: &[ProcessAddress], look: impl FnMut(&ProcessAddress) -> Look) -> Vec<Look> {
    addresses.iter().map(look).collect()
}

fn frames(addresses: &[ProcessAddress], scene: &Scene<'_>) -> Result<Vec<FrameNumber>, Finding> {
    addresses
        .iter()
        .map(|address| frame(&spot(address, scene)?, scene))
        .collect()
}

fn frame(spot: &Spot, scene: &Scene<'_>) -> Result<FrameNumber, Finding> {
    translation(spot, scene).map(|found| found.frame())
}

/// The page behind a spot, if its process can reach it.
fn translation(spot: &Spot, scene: &Scene<'_>) -> Result<Translation, Finding> {
    match walk::translate(scene.memory(), spot.root, spot.address) {
        Ok(found) if found.permissions.user => Ok(found),
        Ok(_) => Err(unlike(spot.text.clone(), "mapped", "mapped for the kernel alone")),
        Err(_) => Err(unlike(spot.text.clone(), "mapped", "not mapped")),
    }
}

pub(super) fn spot(address: &ProcessAddress, scene: &Scene<'_>) -> Result<Spot, Finding> {
    let (process, root) = live(&address.process, scene)?;
    let text = address.to_string();
    match scene.regions.address(process, &address.place) {
        Some(address) => Ok(Spot {
            text,
            process,
            root,
            address,
        }),
        None => Err(no_address(text)),
    }
}

fn live(process: &ProcessName, scene: &Scene<'_>) -> Result<(Channel, Root), Finding> {
    let agent = scene
        .agents
        .named(process.as_str())
        .filter(|agent| agent.life == Life::Alive);
    agent
        .and_then(|agent| Some((agent.channel, agent.root?)))
        .ok_or_else(|| no_process(process))
}

pub(super) fn unlike(
    place: impl Into<Printable>,
    expected: impl Into<Printable>,
    found: impl Into<Printable>,
) -> Finding {
    Finding::new(Rule::Expectation, place, expected, found)
}

fn no_process(process: &ProcessName) -> Finding {
    unlike(process.as_str(), "a live process", "no such process")
}

fn no_address(place: String) -> Finding {
    unlike(place, "a region with an address", "no step gave it one")
}

fn list(addresses: &[ProcessAddress]) -> String {
    addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn page_list(pages: &[u64]) -> String {
    if pages.is_empty() {
        return "no page changed".to_owned();
    }
    let pages: Vec<String> = pages.iter().map(|page| format!("{page}p")).collect();
    format!("changed: {}", pages.join(", "))
}
