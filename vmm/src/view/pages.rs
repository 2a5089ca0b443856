//! The pages of named mappings at one moment, and what is otherwise at another.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{Hash, Hasher};

use abi::PAGE_SIZE;

use super::{NamedMapping, NamedProcess};
use crate::address::FrameNumber;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{Permissions, Translation, follow};
use crate::printable::Printable;
use crate::report::text::count;

/// Most entries of page tables that are looked at for the pages of one moment. The largest guest has a quarter as many frames.
const MOST_LOOKED_AT: usize = 1 << 20;

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

/// The pages of all named mappings at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    /// How many pages a mapping has, by the names of its process and its own.
    mappings: BTreeMap<(Printable, Printable), u64>,
    /// Those that are mapped.
    mapped: BTreeMap<NamedPage, Page>,
    /// Entries of page tables that were looked at.
    looked_at: usize,
}

impl NamedPage {
    pub(super) fn of(process: &NamedProcess, mapping: &NamedMapping, number: u64) -> NamedPage {
        NamedPage {
            process: process.name.clone(),
            mapping: mapping.name.clone(),
            number,
        }
    }
}

impl Pages {
    /// Adds those of a mapping. Where an entry of a table above leads nowhere, all that it governs is passed over: a mapping may be as large as the
    /// address space.
    pub(super) fn add(&mut self, process: &NamedProcess, mapping: &NamedMapping, memory: PhysicalMemory<'_>) {
        let names = (process.name.clone(), mapping.name.clone());
        self.mappings.insert(names, mapping.pages);
        let mut number = 0;
        while number < mapping.pages && self.looked_at < MOST_LOOKED_AT {
            self.looked_at += 1;
            let address = mapping.page_start(number);
            let mut governed_bytes = None;
            let found = follow(memory, process.root, address, |entry| {
                governed_bytes = Some(entry.level.entry_span_bytes());
            });
            if let Ok(found) = found {
                let page = Page::of(&found, memory);
                self.mapped
                    .extend(page.map(|page| (NamedPage::of(process, mapping, number), page)));
                number += 1;
                continue;
            }
            let next = governed_bytes.and_then(|bytes| (address.0 / bytes * bytes).checked_add(bytes));
            let Some(behind) = next.and_then(|next| next.checked_sub(mapping.start.0)) else {
                return;
            };
            number = behind.div_ceil(PAGE_SIZE);
        }
    }

    /// Whether it is a page of a mapping that there was.
    fn knows(&self, page: &NamedPage) -> bool {
        let names = (page.process.clone(), page.mapping.clone());
        self.mappings
            .get(&names)
            .is_some_and(|pages| page.number < *pages)
    }
}

impl Page {
    /// None where it is outside memory.
    pub(super) fn of(found: &Translation, memory: PhysicalMemory<'_>) -> Option<Page> {
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
    let pages: BTreeSet<&NamedPage> = before.mapped.keys().chain(now.mapped.keys()).collect();
    let both_know = |page: &&NamedPage| before.knows(page) && now.knows(page);
    let mut told: String = pages
        .into_iter()
        .filter(both_know)
        .filter_map(|page| {
            let what = difference(before.mapped.get(page).copied(), now.mapped.get(page).copied())?;
            Some(format!("{page}: {what}\n"))
        })
        .collect();
    if [before, now]
        .iter()
        .any(|pages| pages.looked_at == MOST_LOOKED_AT)
    {
        told.push_str("and there are more pages than are compared\n");
    }
    told
}

/// The mappings that only the first of two moments has, each with how many pages it has there.
pub(crate) fn only_in(first: &Pages, second: &Pages) -> Vec<String> {
    let mappings = first.mappings.iter();
    let missing = mappings.filter(|(names, _)| !second.mappings.contains_key(names));
    let told = missing.map(|((process, mapping), pages)| {
        let pages = usize::try_from(*pages).unwrap_or(usize::MAX);
        format!("{process}:{mapping} ({})", count(pages, "page"))
    });
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
    use abi::paging::{PRESENT, USER, USER_END, WRITABLE};
    use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

    use super::super::NamedMemory;
    use super::*;
    use crate::address::VirtAddr;
    use crate::inspect::walk::Root;

    fn page(frame: u64, contents: u64) -> Option<Page> {
        Some(Page {
            frame: FrameNumber(frame),
            permissions: Permissions::ALL,
            contents,
        })
    }

    /// A process with a mapping of so many pages from address 0 on, and memory with page tables of which each entry is one of these.
    fn guest(pages: u64, entries: &[(u64, u64)]) -> (NamedMemory, GuestMemoryMmap) {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x10000)]).unwrap();
        for (at, entry) in entries {
            memory.write_obj(*entry, GuestAddress(*at)).unwrap();
        }
        let mapping = NamedMapping {
            name: "huge".into(),
            start: VirtAddr(0),
            pages,
        };
        let process = NamedProcess {
            name: "parent".into(),
            root: Root::from_cr3(0x1000),
            mappings: vec![mapping],
        };
        let named = NamedMemory {
            processes: vec![process],
        };
        (named, memory)
    }

    const TABLE: u64 = PRESENT | WRITABLE | USER;

    #[test]
    fn a_mapping_as_large_as_the_address_space_is_compared_by_what_is_mapped() {
        let pages = USER_END / PAGE_SIZE;
        let entries = [
            (0x1000, 0x2000 | TABLE),
            (0x2008, 0x3000 | TABLE),
            (0x3000, 0x4000 | TABLE),
            (0x4010, 0x5000 | TABLE),
        ];
        let (named, memory) = guest(pages, &entries);
        let pages_of = || named.pages(PhysicalMemory::new(&memory));
        let before = pages_of();
        assert_eq!(before.mapped.len(), 1);
        assert_eq!(differences(&before, &before), "");
        memory.write_obj(0x6000 | TABLE, GuestAddress(0x4ff8)).unwrap();
        memory.write_obj(7_u8, GuestAddress(0x5000)).unwrap();
        let now = pages_of();
        assert_eq!(
            differences(&before, &now),
            "parent:huge+262146p: contents\nparent:huge+262655p: mapped now, frame 0x6000, user rwx\n"
        );
        let (other, _) = guest(1, &[]);
        let none = other.pages(PhysicalMemory::new(&memory));
        assert_eq!(differences(&none, &now), "");
        assert_eq!(
            only_in(&now, &Pages::default()),
            [format!("parent:huge ({pages} pages)")]
        );
        assert_eq!(only_in(&now, &none), [""; 0]);
    }

    #[test]
    fn where_everything_is_mapped_the_pages_are_bounded_and_it_is_told() {
        // A table that is its own on each level: every address is mapped.
        let entries: Vec<(u64, u64)> = (0..512)
            .map(|entry| (0x1000 + 8 * entry, 0x1000 | TABLE))
            .collect();
        let (named, memory) = guest(USER_END / PAGE_SIZE, &entries);
        let mut pages = Pages {
            looked_at: MOST_LOOKED_AT - 1000,
            ..Pages::default()
        };
        let process = &named.processes[0];
        pages.add(process, &process.mappings[0], PhysicalMemory::new(&memory));
        assert_eq!(pages.mapped.len(), 1000);
        assert_eq!(
            differences(&pages, &pages),
            "and there are more pages than are compared\n"
        );
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
