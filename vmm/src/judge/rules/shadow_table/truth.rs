//! What an entry may say.
//!
//! The assignment calls a page unmapped when its page-table entry is empty or a table above it is missing, and says that this is not the
//! present bit, whose change by swap need not be followed. So where an entry is empty or present there is one right answer; where it is
//! neither, as with `PROT_NONE`, a right kernel may call the page mapped, on the frame that the entry names, or unmapped. Nor
//! does it ask to follow large pages.

use abi::paging::{ACCESSED, ADDRESS_MASK, DIRTY};
use abi::shadowpt::{SPTE_PTE_MAPPED, SPTE_VADDR_ALLOCATED, SPTE_VADDR_ANONYMOUS};

use super::entry::Entry;
use crate::address::PhysAddr;
use crate::inspect::walk::{Entry as PageTableEntry, Level, PageSize, WalkError, translate};
use crate::judge::names::Names;
use crate::judge::scene::{Scene, address_of};
use crate::model::{Allocation, PageNumber, ShadowTable};

/// What an entry may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    /// Nothing: neither flags nor a frame. The page's address may stand there already.
    Untouched { vaddr: u64 },
    /// What it said before.
    Unchanged(Entry),
    /// What is there.
    Of {
        vaddr: u64,
        mapping: Mapping,
        /// Its flags; None for memory of which no step says in what area it lies.
        area: Option<u64>,
    },
}

/// Whether and where a page is mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mapping {
    /// Its page-table entry is empty, or a table above it is missing.
    Nowhere,
    /// On the frame with this number.
    On(u64),
    /// Its entry is neither empty nor present. It is either called unmapped, or mapped on the frame that the entry names: as it stands
    /// there, or with all bits inverted, as kernels do it for the sake of processors that guess.
    Held { plain: u64, inverted: u64 },
    /// Not for the table to say: the entry may stand for a block of the disk, or for a large page.
    Unasked,
}

impl Truth {
    /// What the page tables of the target, and the steps so far, say of a page.
    pub(super) fn of(scene: &Scene<'_>, table: &ShadowTable, page: PageNumber) -> Truth {
        let vaddr = address_of(page).0;
        if table.target_has_ended {
            return Truth::Of {
                vaddr,
                mapping: Mapping::Nowhere,
                area: Some(0),
            };
        }
        let area = scene
            .model
            .allocation(table.target, page)
            .map(|allocation| match allocation {
                Allocation::None => 0,
                Allocation::Anonymous => SPTE_VADDR_ALLOCATED | SPTE_VADDR_ANONYMOUS,
                Allocation::Other => SPTE_VADDR_ALLOCATED,
            });
        Truth::Of {
            vaddr,
            mapping: Mapping::of(scene, table, page),
            area,
        }
    }

    /// The address that the entry is expected to have.
    pub(super) fn vaddr(self) -> u64 {
        match self {
            Truth::Untouched { .. } => 0,
            Truth::Unchanged(before) => before.vaddr,
            Truth::Of { vaddr, .. } => vaddr,
        }
    }

    pub(super) fn admits(self, entry: Entry) -> bool {
        match self {
            Truth::Untouched { vaddr } => {
                entry.flags == 0 && entry.pfn == 0 && [0, vaddr].contains(&entry.vaddr)
            }
            Truth::Unchanged(before) => entry == before,
            Truth::Of { vaddr, mapping, area } => {
                let claimed = entry.flags & !SPTE_PTE_MAPPED;
                let is_area = match area {
                    Some(area) => claimed == area,
                    None => {
                        let known = SPTE_VADDR_ALLOCATED | SPTE_VADDR_ANONYMOUS;
                        claimed & !known == 0 && (entry.flags == 0 || claimed & SPTE_VADDR_ALLOCATED != 0)
                    }
                };
                entry.vaddr == vaddr && is_area && mapping.admits(entry)
            }
        }
    }

    /// In words.
    pub(super) fn words(self, names: &mut Names) -> String {
        let (vaddr, mapping, area) = match self {
            Truth::Untouched { .. } => return "nothing".to_owned(),
            Truth::Unchanged(before) => return before.words(before.vaddr, names),
            Truth::Of { vaddr, mapping, area } => (vaddr, mapping, area),
        };
        let flags = area.unwrap_or_default();
        let nowhere = Entry { vaddr, pfn: 0, flags };
        let on = |pfn| Entry {
            pfn,
            flags: flags | SPTE_PTE_MAPPED,
            ..nowhere
        };
        let mut words = match mapping {
            Mapping::Nowhere => nowhere.words(vaddr, names),
            Mapping::On(frame) => on(frame).words(vaddr, names),
            Mapping::Held { plain, .. } => format!("{} or unmapped", on(plain).words(vaddr, names)),
            Mapping::Unasked => format!("{} mapped or unmapped", nowhere.words(vaddr, names)),
        };
        if area.is_none() {
            words.push_str(", in whatever area");
        }
        words
    }
}

impl Mapping {
    fn of(scene: &Scene<'_>, table: &ShadowTable, page: PageNumber) -> Mapping {
        let root = scene.agents.get(table.target).and_then(|agent| agent.root);
        match root.map(|root| translate(scene.memory(), root, address_of(page))) {
            Some(Ok(found)) if found.size == PageSize::Kib4 => Mapping::On(found.frame().0),
            Some(Ok(_)) => Mapping::Unasked,
            Some(Err(WalkError::NotPresent { entry, .. })) if is_none(entry) => Mapping::Nowhere,
            Some(Err(WalkError::NotPresent { entry, .. }))
                if entry.level == Level::Pt && scene.stop.disk().is_none() =>
            {
                Mapping::held(entry)
            }
            Some(Err(WalkError::NotPresent { .. })) => Mapping::Unasked,
            None | Some(Err(_)) => Mapping::Nowhere,
        }
    }

    fn held(entry: PageTableEntry) -> Mapping {
        let named = |value: u64| PhysAddr(value & ADDRESS_MASK).frame().0;
        Mapping::Held {
            plain: named(entry.value),
            inverted: named(!entry.value),
        }
    }

    fn admits(self, entry: Entry) -> bool {
        let is_mapped = entry.flags & SPTE_PTE_MAPPED != 0;
        let is_unmapped = !is_mapped && entry.pfn == 0;
        match self {
            Mapping::Nowhere => is_unmapped,
            Mapping::On(frame) => is_mapped && entry.pfn == frame,
            Mapping::Held { plain, inverted } => {
                is_unmapped || is_mapped && [plain, inverted].contains(&entry.pfn)
            }
            Mapping::Unasked => is_unmapped || is_mapped,
        }
    }
}

/// As Linux's `pte_none`: the processor may have left marks of its own in an empty entry.
fn is_none(entry: PageTableEntry) -> bool {
    entry.value & !(ACCESSED | DIRTY) == 0
}

#[cfg(test)]
mod tests {
    use abi::paging::PRESENT;

    use super::*;

    const FRAME: u64 = 5;
    const ADDRESS: u64 = FRAME << 12;
    /// A bit of an entry that is the kernel's own.
    const OWN: u64 = 1 << 9;

    fn truth(mapping: Mapping) -> Truth {
        Truth::Of {
            vaddr: 0x8000,
            mapping,
            area: Some(SPTE_VADDR_ALLOCATED),
        }
    }

    fn says(pfn: u64, flags: u64) -> Entry {
        Entry {
            vaddr: 0x8000,
            pfn,
            flags: flags | SPTE_VADDR_ALLOCATED,
        }
    }

    fn held(value: u64) -> Mapping {
        assert_eq!(value & PRESENT, 0);
        Mapping::held(PageTableEntry {
            level: Level::Pt,
            at: PhysAddr(0),
            value,
        })
    }

    #[test]
    fn a_page_without_an_entry_must_be_unmapped_and_one_that_is_present_mapped_on_its_frame() {
        let (nowhere, there) = (truth(Mapping::Nowhere), truth(Mapping::On(FRAME)));
        assert!(nowhere.admits(says(0, 0)) && !nowhere.admits(says(FRAME, SPTE_PTE_MAPPED)));
        assert!(there.admits(says(FRAME, SPTE_PTE_MAPPED)) && !there.admits(says(0, 0)));
        assert!(!there.admits(says(FRAME + 1, SPTE_PTE_MAPPED)));
    }

    #[test]
    fn a_page_out_of_reach_may_be_unmapped_or_mapped_on_the_frame_that_its_entry_names() {
        for entry in [ADDRESS | OWN, !ADDRESS & !PRESENT] {
            let truth = truth(held(entry));
            assert!(truth.admits(says(0, 0)) && truth.admits(says(FRAME, SPTE_PTE_MAPPED)));
            assert!(!truth.admits(says(0, SPTE_PTE_MAPPED)), "mapped, on no frame");
            assert!(!truth.admits(says(FRAME + 1, SPTE_PTE_MAPPED)));
            assert!(!truth.admits(says(FRAME, 0)), "a frame, but unmapped");
        }
    }

    #[test]
    fn the_number_of_a_page_that_may_be_on_a_disk_is_not_asked_and_its_area_is() {
        let truth = truth(Mapping::Unasked);
        assert!(truth.admits(says(0, 0)) && truth.admits(says(77, SPTE_PTE_MAPPED)));
        assert!(!truth.admits(says(77, 0)) && !truth.admits(says(0, SPTE_VADDR_ANONYMOUS)));
    }

    #[test]
    fn before_the_first_start_the_address_may_stand_there_and_nothing_else() {
        let truth = Truth::Untouched { vaddr: 0x8000 };
        let says = |vaddr, flags| Entry { vaddr, pfn: 0, flags };
        assert!(truth.admits(says(0, 0)) && truth.admits(says(0x8000, 0)));
        assert!(!truth.admits(says(0x9000, 0)) && !truth.admits(says(0, SPTE_VADDR_ALLOCATED)));
    }

    #[test]
    fn an_entry_in_which_only_the_processor_has_left_marks_is_empty() {
        let entry = |value| PageTableEntry {
            level: Level::Pt,
            at: PhysAddr(0),
            value,
        };
        assert!(is_none(entry(0)) && is_none(entry(ACCESSED | DIRTY)) && !is_none(entry(OWN)));
    }
}
