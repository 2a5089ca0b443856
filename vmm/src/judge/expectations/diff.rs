//! What has changed in the named memory of processes since the last check: exactly what was expected.

use std::collections::{BTreeMap, BTreeSet};

use abi::PAGE_SIZE;

use super::super::Judge;
use super::super::scene::{Mapping, Scene, address_of};
use super::{Look, spot, unlike};
use crate::address::VirtAddr;
use crate::channel::Channel;
use crate::finding::Finding;
use crate::inspect::{PhysicalMemory, dirty::DirtyTracker};
use crate::model::PageNumber;
use crate::scenario::{PageChange, PageDiff};

/// Most pages that are told of.
const MOST_TOLD: usize = 16;

/// A page of a process.
type Place = (Channel, PageNumber);
/// What is otherwise of each page that is.
type Changes = BTreeMap<Place, BTreeSet<PageChange>>;

impl Judge {
    pub(super) fn diff(&self, expected: &[PageDiff], scene: &Scene<'_>) -> Vec<Look> {
        let expected = match wanted(expected, scene) {
            Ok(expected) => expected,
            Err(finding) => return vec![Err(finding)],
        };
        let found = self.changes(scene);
        let places: BTreeSet<&Place> = expected.keys().chain(found.keys()).collect();
        let differing = places
            .into_iter()
            .filter(|place| expected.get(place) != found.get(place));
        let differing: Vec<&Place> = differing.collect();
        let mut looks: Vec<Look> = differing
            .iter()
            .take(MOST_TOLD)
            .map(|place| {
                let (process, number) = **place;
                let name = scene.place(process, address_of(number));
                Err(unlike(name, told(expected.get(place)), told(found.get(place))))
            })
            .collect();
        if let Some(more @ 1..) = differing.len().checked_sub(MOST_TOLD) {
            let found = format!("{more} more pages are not as expected");
            looks.push(Err(unlike("memory", "what is listed, and nothing else", found)));
        }
        if looks.is_empty() {
            looks.push(Ok(String::new()));
        }
        looks
    }

    /// What has changed of the pages of processes that were there at the last check, and are.
    fn changes(&self, scene: &Scene<'_>) -> Changes {
        let memory = scene.memory();
        let before = &self.last_check;
        let mut changes = Changes::new();
        for (agent, root) in scene.agents.alive() {
            let process = agent.channel;
            if !before.processes.contains(&process) {
                continue;
            }
            let had = before.pages.range((process, 0)..=(process, PageNumber::MAX));
            let had = had.map(|((_, number), _)| *number);
            let has = scene.model.pages(process).map(|(number, _)| number);
            for number in had.chain(has).collect::<BTreeSet<PageNumber>>() {
                let was = before.pages.get(&(process, number)).copied();
                let is = Mapping::of(memory, root, number);
                let change = compare(was, is, self.dirty.as_ref(), memory);
                if !change.is_empty() {
                    changes.insert((process, number), change);
                }
            }
        }
        changes
    }
}

fn compare(
    was: Option<Mapping>,
    is: Option<Mapping>,
    contents: Option<&DirtyTracker>,
    memory: PhysicalMemory<'_>,
) -> BTreeSet<PageChange> {
    match (was, is) {
        (None, None) => BTreeSet::new(),
        (None, Some(_)) => BTreeSet::from([PageChange::Mapped]),
        (Some(_), None) => BTreeSet::from([PageChange::Unmapped]),
        (Some(was), Some(is)) => {
            let are_same = contents.is_some_and(|contents| contents.held(was.frame, is.frame, memory));
            let changes = [
                (was.frame != is.frame, PageChange::Frame),
                (was.permissions != is.permissions, PageChange::Rights),
                (!are_same, PageChange::Contents),
            ];
            let changed = changes.into_iter().filter(|(has_changed, _)| *has_changed);
            changed.map(|(_, change)| change).collect()
        }
    }
}

/// What should have changed.
fn wanted(expected: &[PageDiff], scene: &Scene<'_>) -> Result<Changes, Finding> {
    let mut changes = Changes::new();
    for PageDiff { at, pages, is } in expected {
        let spot = spot(at, scene)?;
        for page in 0..*pages {
            let address = VirtAddr(spot.address.0.wrapping_add(page * PAGE_SIZE));
            let change = changes.entry((spot.process, address.0 / PAGE_SIZE)).or_default();
            change.extend(is);
        }
    }
    Ok(changes)
}

fn told(change: Option<&BTreeSet<PageChange>>) -> String {
    let Some(change) = change else {
        return "as it was".to_owned();
    };
    let words: Vec<String> = change.iter().map(ToString::to_string).collect();
    words.join(", ")
}
