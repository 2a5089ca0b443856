//! What somebody who looks at a run by hand is told: which processes there are, what is behind the names of the scenario, and what the way to
//! an address says. [`crate::debugger`] has it of a guest that stands still, [`crate::look`] of one that has ended.

mod told;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};

use abi::PAGE_SIZE;
use serde::{Deserialize, Serialize};

use crate::address::{FrameNumber, VirtAddr};
use crate::drive::Agent;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{Permissions, Root, translate};
use crate::judge::Scene;
use crate::printable::Printable;
use crate::report::text::count;
pub(crate) use told::{SystemRegisters, Unknown, walk};

/// Most pages of a mapping that are told of.
const MOST_TOLD: usize = 256;

/// What there was at one moment: where a step began, or where it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedMemory {
    processes: Vec<NamedProcess>,
}

/// A process that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedProcess {
    pub(crate) name: Printable,
    pub(crate) root: Root,
    pub(crate) mappings: Vec<NamedMapping>,
}

/// A mapping that the scenario has given a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedMapping {
    pub(crate) name: Printable,
    pub(crate) start: VirtAddr,
    pub(crate) pages: u64,
}

/// The name of a page: process, mapping, and number in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NamedPage {
    process: Printable,
    mapping: Printable,
    number: u64,
}

/// A page that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) frame: FrameNumber,
    pub(crate) permissions: Permissions,
    contents: u64,
}

/// All pages of named mappings at one moment; None for one that is not mapped.
pub(crate) type Pages = BTreeMap<NamedPage, Option<Page>>;

impl NamedMemory {
    /// What there is now.
    pub(crate) fn of(scene: &Scene<'_>) -> NamedMemory {
        let process = |(agent, root): (&Agent, Root)| NamedProcess {
            name: agent.name.as_str().into(),
            root,
            mappings: scene
                .regions
                .of(agent.channel)
                .into_iter()
                .map(|(name, region)| NamedMapping {
                    name: name.into(),
                    start: region.start,
                    pages: region.pages,
                })
                .collect(),
        };
        NamedMemory {
            processes: scene.agents.alive().map(process).collect(),
        }
    }

    pub(crate) fn processes(&self) -> &[NamedProcess] {
        &self.processes
    }

    /// A process by its name.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn process(&self, name: &str) -> Result<&NamedProcess, Unknown> {
        let found = self.processes.iter().find(|process| *process.name == *name);
        found.ok_or_else(|| {
            Unknown::new(
                "process",
                name,
                self.processes.iter().map(|process| &*process.name),
            )
        })
    }

    /// The frames of the pages of a mapping as they are now, a page a line.
    ///
    /// # Errors
    /// There is no such process, or no such mapping of it.
    pub(crate) fn frames(
        &self,
        process: &str,
        mapping: &str,
        memory: PhysicalMemory<'_>,
    ) -> Result<String, Unknown> {
        let process = self.process(process)?;
        let mapping = process.mapping(mapping)?;
        let mut told = String::new();
        for (name, address, page) in process.pages(mapping, memory).take(MOST_TOLD) {
            let page = page.map_or_else(|| "not mapped".to_owned(), |page| page.to_string());
            // Writing to a string cannot fail.
            let _ = writeln!(told, "{name} at {address}: {page}");
        }
        if let Some(more @ 1..) = mapping.pages.checked_sub(MOST_TOLD as u64) {
            let _ = writeln!(told, "and {more} more pages");
        }
        Ok(told)
    }

    /// The pages of all mappings, as they are now.
    pub(crate) fn pages(&self, memory: PhysicalMemory<'_>) -> Pages {
        let mut pages = Pages::new();
        for process in &self.processes {
            for mapping in &process.mappings {
                pages.extend(process.pages(mapping, memory).map(|(name, _, page)| (name, page)));
            }
        }
        pages
    }
}

impl NamedProcess {
    /// A mapping by its name: the youngest, where there are several.
    ///
    /// # Errors
    /// There is none of this name.
    pub(crate) fn mapping(&self, name: &str) -> Result<&NamedMapping, Unknown> {
        let found = self.mappings.iter().rfind(|mapping| *mapping.name == *name);
        found.ok_or_else(|| {
            Unknown::new(
                "mapping",
                name,
                self.mappings.iter().map(|mapping| &*mapping.name),
            )
        })
    }

    /// The name of a page: that of the youngest mapping that has it.
    pub(crate) fn page_name(&self, address: VirtAddr) -> Option<NamedPage> {
        let has = |mapping: &&NamedMapping| mapping.page_of(address).is_some();
        let mapping = self.mappings.iter().rev().find(has)?;
        Some(NamedPage {
            process: self.name.clone(),
            mapping: mapping.name.clone(),
            number: mapping.page_of(address)?,
        })
    }

    /// The pages of one of its mappings as they are now, each with its address.
    pub(crate) fn pages(
        &self,
        mapping: &NamedMapping,
        memory: PhysicalMemory<'_>,
    ) -> impl Iterator<Item = (NamedPage, VirtAddr, Option<Page>)> {
        (0..mapping.pages).map(move |number| {
            let name = NamedPage {
                process: self.name.clone(),
                mapping: mapping.name.clone(),
                number,
            };
            let address = mapping.page_start(number);
            (name, address, Page::at(memory, self.root, address))
        })
    }
}

impl NamedMapping {
    /// Which of its pages an address is in, from 0.
    fn page_of(&self, address: VirtAddr) -> Option<u64> {
        let page = address.0.checked_sub(self.start.0)? / PAGE_SIZE;
        (page < self.pages).then_some(page)
    }

    /// Where a page of it begins.
    pub(crate) fn page_start(&self, page: u64) -> VirtAddr {
        VirtAddr(self.start.0.wrapping_add(page * PAGE_SIZE))
    }
}

impl Page {
    fn at(memory: PhysicalMemory<'_>, root: Root, address: VirtAddr) -> Option<Page> {
        let found = translate(memory, root, address).ok()?;
        let mut bytes = FrameBytes::zeroed();
        memory.copy_frame(found.frame(), &mut bytes).ok()?;
        let mut contents = DefaultHasher::new();
        bytes.0.hash(&mut contents);
        Some(Page {
            frame: found.frame(),
            permissions: found.permissions,
            contents: contents.finish(),
        })
    }
}

/// What is otherwise, a page a line; nothing when nothing is. Pages that only one of the two knows are left out.
pub(crate) fn differences(before: &Pages, now: &Pages) -> String {
    let lines = now.iter().filter_map(|(name, is)| {
        let what = difference(*before.get(name)?, *is)?;
        Some(format!("{name}: {what}\n"))
    });
    lines.collect()
}

/// The mappings that only the first of two moments has, each with how many pages it has there.
pub(crate) fn only_in(first: &Pages, second: &Pages) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for name in first.keys().filter(|name| !second.contains_key(name)) {
        *counts.entry((&name.process, &name.mapping)).or_default() += 1;
    }
    let told = counts
        .into_iter()
        .map(|((process, mapping), pages)| format!("{process}:{mapping} ({})", count(pages, "page")));
    told.collect()
}

fn difference(was: Option<Page>, is: Option<Page>) -> Option<String> {
    match (was, is) {
        (None, None) => None,
        (None, Some(is)) => Some(format!("mapped now, {is}")),
        (Some(was), None) => Some(format!("not mapped any more, was {was}")),
        (Some(was), Some(is)) => {
            let mut changes = Vec::new();
            if was.frame != is.frame {
                changes.push(format!("frame {} -> {}", was.frame.start(), is.frame.start()));
            }
            if was.permissions != is.permissions {
                changes.push(format!("rights {} -> {}", was.permissions, is.permissions));
            }
            if was.contents != is.contents {
                changes.push("contents".to_owned());
            }
            (!changes.is_empty()).then(|| changes.join(", "))
        }
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame {}, {}", self.frame.start(), self.permissions)
    }
}

/// As in a report: `child:buf+1p`.
impl fmt::Display for NamedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}+{}p", self.process, self.mapping, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(frame: u64, contents: u64) -> Option<Page> {
        Some(Page {
            frame: FrameNumber(frame),
            permissions: Permissions::ALL,
            contents,
        })
    }

    #[test]
    fn what_differs_of_a_page_is_told_and_what_does_not_is_not() {
        assert_eq!(difference(None, None), None);
        assert_eq!(difference(page(1, 1), page(1, 1)), None);
        let told = |was, is| difference(was, is).unwrap();
        assert_eq!(told(page(1, 1), page(2, 1)), "frame 0x1000 -> 0x2000");
        assert_eq!(told(page(1, 1), page(2, 3)), "frame 0x1000 -> 0x2000, contents");
        assert_eq!(told(None, page(2, 3)), "mapped now, frame 0x2000, user rwx");
        assert_eq!(
            told(page(2, 3), None),
            "not mapped any more, was frame 0x2000, user rwx"
        );
    }
}
