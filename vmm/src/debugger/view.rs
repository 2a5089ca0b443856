//! Which processes there are, and which of their mappings have names.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

use abi::PAGE_SIZE;

use crate::address::{FrameNumber, VirtAddr};
use crate::drive::Agent;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{Permissions, Root, translate};
use crate::judge::Scene;

/// What there was where a step began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    processes: Vec<ProcessView>,
}

/// A process that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProcessView {
    pub(super) name: String,
    pub(super) root: Root,
    pub(super) mappings: Vec<MappingView>,
}

/// A mapping that the scenario has given a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MappingView {
    pub(super) name: String,
    pub(super) start: VirtAddr,
    pub(super) pages: u64,
}

/// The name of a page: process, mapping, and number in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PageName {
    process: String,
    mapping: String,
    number: u64,
}

/// A page that is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) frame: FrameNumber,
    pub(super) permissions: Permissions,
    contents: u64,
}

/// All pages of named mappings at one moment; None for one that is not mapped.
pub(super) type Pages = BTreeMap<PageName, Option<Page>>;

impl View {
    /// What there is now.
    pub(crate) fn of(scene: &Scene<'_>) -> View {
        let process = |(agent, root): (&Agent, Root)| ProcessView {
            name: agent.name.clone(),
            root,
            mappings: scene
                .regions
                .of(agent.channel)
                .into_iter()
                .map(|(name, region)| MappingView {
                    name: name.to_owned(),
                    start: region.start,
                    pages: region.pages,
                })
                .collect(),
        };
        View {
            processes: scene.agents.alive().map(process).collect(),
        }
    }

    pub(super) fn processes(&self) -> &[ProcessView] {
        &self.processes
    }

    /// The pages of all mappings, as they are now.
    pub(super) fn pages(&self, memory: PhysicalMemory<'_>) -> Pages {
        let mut pages = Pages::new();
        for process in &self.processes {
            for mapping in &process.mappings {
                pages.extend(process.pages(mapping, memory).map(|(name, _, page)| (name, page)));
            }
        }
        pages
    }
}

impl ProcessView {
    /// The pages of one of its mappings as they are now, each with its address.
    pub(super) fn pages(
        &self,
        mapping: &MappingView,
        memory: PhysicalMemory<'_>,
    ) -> impl Iterator<Item = (PageName, VirtAddr, Option<Page>)> {
        (0..mapping.pages).map(move |number| {
            let name = PageName {
                process: self.name.clone(),
                mapping: mapping.name.clone(),
                number,
            };
            let address = VirtAddr(mapping.start.0.wrapping_add(number * PAGE_SIZE));
            (name, address, Page::at(memory, self.root, address))
        })
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
pub(super) fn differences(before: &Pages, now: &Pages) -> String {
    let lines = now.iter().filter_map(|(name, is)| {
        let what = difference(*before.get(name)?, *is)?;
        Some(format!("{name}: {what}\n"))
    });
    lines.collect()
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
impl fmt::Display for PageName {
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
