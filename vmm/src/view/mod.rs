//! What somebody who looks at a run by hand is told: which processes there are, what is behind the names of the scenario, and what the way to
//! an address says. [`crate::debugger`] has it of a guest that stands still, [`crate::look`] of one that has ended.

mod pages;
mod told;

use std::collections::BTreeMap;
use std::fmt::Write;

use abi::PAGE_SIZE;
use serde::{Deserialize, Serialize};

use crate::address::VirtAddr;
use crate::drive::Agent;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{Root, translate};
use crate::judge::Scene;
use crate::printable::Printable;
pub(crate) use pages::{NamedPage, Page, Pages, differences, only_in};
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
        named("process", name, &self.processes, |process| &process.name)
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
        let mut pages = Pages::default();
        for process in &self.processes {
            // Of those with one name the youngest.
            let mappings: BTreeMap<&str, &NamedMapping> = process
                .mappings
                .iter()
                .map(|mapping| (&*mapping.name, mapping))
                .collect();
            for mapping in mappings.into_values() {
                pages.add(process, mapping, memory);
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
        named("mapping", name, &self.mappings, |mapping| &mapping.name)
    }

    /// The name of a page: that of the youngest mapping that has it.
    pub(crate) fn page_name(&self, address: VirtAddr) -> Option<NamedPage> {
        let has = |mapping: &&NamedMapping| mapping.page_of(address).is_some();
        let mapping = self.mappings.iter().rev().find(has)?;
        Some(NamedPage::of(self, mapping, mapping.page_of(address)?))
    }

    /// The pages of one of its mappings as they are now, each with its address.
    fn pages(
        &self,
        mapping: &NamedMapping,
        memory: PhysicalMemory<'_>,
    ) -> impl Iterator<Item = (NamedPage, VirtAddr, Option<Page>)> {
        (0..mapping.pages).map(move |number| {
            let address = mapping.page_start(number);
            let found = translate(memory, self.root, address).ok();
            let page = found.and_then(|found| Page::of(&found, memory));
            (NamedPage::of(self, mapping, number), address, page)
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
        VirtAddr(self.start.0.wrapping_add(page.wrapping_mul(PAGE_SIZE)))
    }
}

/// The last of these that has this name.
fn named<'n, T>(
    what: &'static str,
    name: &str,
    all: &'n [T],
    name_of: impl Fn(&T) -> &Printable,
) -> Result<&'n T, Unknown> {
    let found = all.iter().rfind(|one| **name_of(one) == *name);
    found.ok_or_else(|| Unknown::new(what, name, all.iter().map(|one| &**name_of(one))))
}
