//! What a Linux says of its frames: `struct page`, one for each frame, in an array that is mapped at a fixed place.
//!
//! A claim, as the account of any kernel: it adds findings, and takes none away. How the structure is laid out differs from build to
//! build, and is what the kernel's own type information says ([`crate::kernel_file::page_layout`]).

use std::cell::Cell;

use abi::PAGE_SIZE;
use abi::frame_table::{ANONYMOUS, FrameInfo, PAGE_TABLE, RESERVED};
use serde::{Deserialize, Serialize};

use super::frame_table::{self, FrameTableFinding};
use super::memory::OutsideMemory;
use super::owners::{Owners, TableUse};
use super::walk::{Level, Root, WalkError, translate};
use super::{Findings, PhysicalMemory};
use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};

/// Where the array begins, on a processor with page tables of four levels and without randomised memory: `vmemmap` in Linux's
/// `Documentation/arch/x86/x86_64/mm.rst`.
const VMEMMAP: u64 = 0xffff_ea00_0000_0000;
/// The low bits of `mapping` say what it points to.
const MAPPING_KIND: u64 = 3;
/// An `anon_vma`: the frame is anonymous memory.
const MAPPING_ANON: u64 = 1;
/// In `compound_head`: this is not the first page of its folio, and the rest leads to that one.
const IS_TAIL: u64 = 1;

/// What a frame is, when it is neither reserved nor a page table nor anonymous memory.
const OTHER: u16 = u16::MAX;

/// Where things are in `struct page`, offsets in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLayout {
    /// Size of the structure.
    pub size: u64,
    /// `flags`.
    pub flags: u64,
    /// The bit of `flags` that says that the frame is not the allocator's: `PG_reserved`.
    pub reserved_bit: u32,
    /// `_refcount`, which has 32 bits.
    pub refcount: u64,
    /// `mapping`.
    pub mapping: u64,
    /// `compound_head`.
    pub compound_head: u64,
    /// `page_type`, which has 32 bits, and what its uppermost eight are for a page table; None for a kernel that does not tell it so.
    pub page_table: Option<(u64, u32)>,
}

#[cfg(test)]
impl PageLayout {
    /// That of Debian's 6.1.
    pub(crate) const OF_6_1: PageLayout = PageLayout {
        size: 64,
        flags: 0,
        reserved_bit: 12,
        refcount: 52,
        mapping: 24,
        compound_head: 8,
        page_table: None,
    };
}

/// The array, at one moment.
#[derive(Debug)]
pub struct StructPages<'m> {
    memory: PhysicalMemory<'m>,
    root: Root,
    layout: PageLayout,
    /// The page of the array that was read last, and where it is: neighbours are asked for one after the other.
    last: Cell<Option<(VirtAddr, PhysAddr)>>,
}

/// Why the array cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StructPageError {
    /// It is not mapped where it must be.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// It leads out of memory.
    #[error(transparent)]
    Memory(#[from] OutsideMemory),
}

impl<'m> StructPages<'m> {
    /// The array as the kernel's own page table shows it.
    #[must_use]
    pub fn new(memory: PhysicalMemory<'m>, root: Root, layout: PageLayout) -> StructPages<'m> {
        StructPages {
            memory,
            root,
            layout,
            last: Cell::new(None),
        }
    }

    /// What the kernel says of a frame, in the terms of our own kernel's account; of one inside a larger folio, what it says of all of that.
    ///
    /// # Errors
    /// The array cannot be read there.
    pub fn get(&self, frame: FrameNumber) -> Result<FrameInfo, StructPageError> {
        let own = VirtAddr(VMEMMAP.wrapping_add(frame.0.wrapping_mul(self.layout.size)));
        let head = self.word(own, self.layout.compound_head)?;
        let page = if head & IS_TAIL == 0 {
            own
        } else {
            VirtAddr(head & !IS_TAIL)
        };
        let flags = self.word(page, self.layout.flags)?;
        let mapping = self.word(page, self.layout.mapping)?;
        let is_reserved = flags & 1_u64.checked_shl(self.layout.reserved_bit).unwrap_or(0) != 0;
        let is_page_table = match self.layout.page_table {
            None => false,
            Some((at, kind)) => self.half_word(page, at)? >> 24 == kind,
        };
        let kind = if is_reserved {
            RESERVED
        } else if is_page_table {
            PAGE_TABLE
        } else if mapping & MAPPING_KIND == MAPPING_ANON {
            ANONYMOUS
        } else {
            OTHER
        };
        Ok(FrameInfo {
            references: self.half_word(page, self.layout.refcount)?,
            kind,
            private: 0,
        })
    }

    /// Holds the account against the owners, as [`frame_table::check`] does, as far as it goes: a frame that is reserved is not the
    /// allocator's, and so has no references that mean something, and the page tables of the kernel's half may be older than the account.
    ///
    /// # Errors
    /// The array cannot be read.
    pub fn check(&self, owners: &Owners) -> Result<Findings<FrameTableFinding>, StructPageError> {
        let mut findings = Findings::new();
        for (frame, owner, mappings) in frame_table::mapped_by_users(owners) {
            let info = self.get(frame)?;
            if info.kind != RESERVED {
                findings.extend(frame_table::check_mapped(info, frame, owner, mappings));
            }
        }
        for tables in owners.tables().chunk_by(|a, b| a.frame == b.frame) {
            let of_user = |table: &&TableUse| table.address.half() == Some(Half::User);
            let Some(table) = tables.iter().find(of_user) else {
                continue;
            };
            let info = self.get(table.frame)?;
            if info.kind != RESERVED {
                let kind = self.kind_as_table(info, table.level);
                findings.extend(frame_table::check_tables(FrameInfo { kind, ..info }, tables));
            }
        }
        Ok(findings)
    }

    /// What is said of a frame that is a page table: only the lowest are marked in every release that marks them.
    fn kind_as_table(&self, info: FrameInfo, level: Level) -> u16 {
        match (self.layout.page_table, level) {
            (Some(_), Level::Pt) => info.kind,
            _ => PAGE_TABLE,
        }
    }

    fn half_word(&self, page: VirtAddr, offset: u64) -> Result<u32, StructPageError> {
        let mut bytes = [0; 4];
        self.copy(page, offset, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn word(&self, page: VirtAddr, offset: u64) -> Result<u64, StructPageError> {
        let mut bytes = [0; 8];
        self.copy(page, offset, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn copy(&self, page: VirtAddr, offset: u64, to: &mut [u8]) -> Result<(), StructPageError> {
        let address = page.0.wrapping_add(offset);
        let (start, inside) = (VirtAddr(address - address % PAGE_SIZE), address % PAGE_SIZE);
        let at = match self.last.get() {
            Some((known, at)) if known == start => at,
            _ => {
                let at = translate(self.memory, self.root, start)?.address;
                self.last.set(Some((start, at)));
                at
            }
        };
        let at = PhysAddr(at.0.wrapping_add(inside));
        Ok(self.memory.copy(at, to)?)
    }
}

#[cfg(test)]
mod tests {
    use abi::paging::{PRESENT, USER, WRITABLE};
    use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

    use super::*;
    use crate::inspect::Effort;
    use crate::inspect::owners::{Space, SpaceId};

    const LAYOUT: PageLayout = PageLayout {
        page_table: Some((48, 0xf2)),
        ..PageLayout::OF_6_1
    };
    /// Tables from the top down, and the first page of the array.
    const TABLES: [u64; 4] = [0x1000, 0x2000, 0x3000, 0x4000];
    const ARRAY: u64 = 0x5000;

    fn guest() -> GuestMemoryMmap {
        let guest = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), 0x10000)]).unwrap();
        let next = TABLES[1..].iter().chain([&ARRAY]);
        for ((table, next), level) in TABLES.iter().zip(next).zip((0..4).rev()) {
            let index = VMEMMAP >> (12 + 9 * level) & 511;
            let entry = next | PRESENT | WRITABLE;
            guest.write_obj(entry, GuestAddress(table + 8 * index)).unwrap();
        }
        guest
    }

    fn set(guest: &GuestMemoryMmap, frame: u64, offset: u64, value: u64) {
        let at = GuestAddress(ARRAY + 64 * frame + offset);
        guest.write_obj(value, at).unwrap();
    }

    fn pages(guest: &GuestMemoryMmap) -> StructPages<'_> {
        StructPages::new(PhysicalMemory::new(guest), Root::from_cr3(TABLES[0]), LAYOUT)
    }

    fn get(guest: &GuestMemoryMmap, frame: u64) -> Result<FrameInfo, StructPageError> {
        pages(guest).get(FrameNumber(frame))
    }

    fn info(references: u32, kind: u16) -> FrameInfo {
        FrameInfo {
            references,
            kind,
            private: 0,
        }
    }

    #[test]
    fn a_frame_has_the_references_flags_and_kind_of_its_structure() {
        let guest = guest();
        assert_eq!(get(&guest, 3), Ok(info(0, OTHER)));
        set(&guest, 3, LAYOUT.mapping, 0xffff_8880_0000_0001);
        assert_eq!(get(&guest, 3), Ok(info(0, ANONYMOUS)));
        set(&guest, 3, 48, 7 << 32 | 0xf200_0000);
        assert_eq!(get(&guest, 3), Ok(info(7, PAGE_TABLE)));
        set(&guest, 3, LAYOUT.flags, 1 << 12);
        assert_eq!(get(&guest, 3), Ok(info(7, RESERVED)));
    }

    /// A process whose page 0 is on frame 9, by a page table in frame 8.
    fn process(guest: &GuestMemoryMmap) -> Owners {
        let tables = [0x6000, 0x7000, 0xa000, 0x8000];
        for (table, next) in tables.iter().zip([0x7000, 0xa000, 0x8000, 0x9000_u64]) {
            let entry = next | PRESENT | WRITABLE | USER;
            guest.write_obj(entry, GuestAddress(*table)).unwrap();
        }
        let space = Space {
            id: SpaceId(1),
            root: Root::from_cr3(tables[0]),
        };
        for table in [6, 7, 8, 10] {
            set(guest, table, 48, 1 << 32 | 0xf200_0000);
        }
        set(guest, 9, 48, 1 << 32);
        Owners::of_spaces(PhysicalMemory::new(guest), &[space], &Effort::default())
    }

    fn findings(guest: &GuestMemoryMmap, owners: &Owners) -> Vec<FrameTableFinding> {
        pages(guest).check(owners).unwrap().into_iter().collect()
    }

    #[test]
    fn a_frame_that_is_mapped_has_a_reference_and_is_no_page_table() {
        let guest = guest();
        let owners = process(&guest);
        assert_eq!(findings(&guest, &owners), []);
        set(&guest, 9, 48, 0);
        let found = findings(&guest, &owners);
        assert!(
            matches!(found[..], [FrameTableFinding::FreeFrameMapped { .. }]),
            "{found:?}"
        );
        set(&guest, 9, 48, 1 << 32 | 0xf200_0000);
        let found = findings(&guest, &owners);
        assert!(
            matches!(found[..], [FrameTableFinding::KernelFrameMapped { .. }]),
            "{found:?}"
        );
        set(&guest, 9, 48, 0);
        set(&guest, 9, LAYOUT.flags, 1 << 12);
        assert_eq!(findings(&guest, &owners), [], "it is reserved");
    }

    #[test]
    fn a_frame_has_a_reference_for_each_mapping() {
        let guest = guest();
        process(&guest);
        // Page 1 is on the same frame.
        let entry = 0x9000 | PRESENT | WRITABLE | USER;
        guest.write_obj(entry, GuestAddress(0x8008)).unwrap();
        let owners = process(&guest);
        let found = findings(&guest, &owners);
        assert!(
            matches!(
                found[..],
                [FrameTableFinding::TooFewReferences {
                    references: 1,
                    mappings: 2,
                    ..
                }]
            ),
            "{found:?}"
        );
        set(&guest, 9, 48, 2 << 32);
        assert_eq!(findings(&guest, &owners), []);
    }

    #[test]
    fn a_page_table_is_in_use_and_the_lowest_is_marked() {
        let guest = guest();
        let owners = process(&guest);
        for upper in [6, 7, 10] {
            set(&guest, upper, 48, 1 << 32);
        }
        assert_eq!(findings(&guest, &owners), []);
        set(&guest, 8, 48, 1 << 32);
        let found = findings(&guest, &owners);
        assert!(
            matches!(found[..], [FrameTableFinding::PageTableIsOther { .. }]),
            "{found:?}"
        );
        let unmarked = StructPages {
            layout: PageLayout {
                page_table: None,
                ..LAYOUT
            },
            ..pages(&guest)
        };
        assert_eq!(unmarked.check(&owners).unwrap().into_iter().count(), 0);
        set(&guest, 6, 48, 0);
        set(&guest, 8, 48, 1 << 32 | 0xf200_0000);
        let found = findings(&guest, &owners);
        assert!(
            matches!(found[..], [FrameTableFinding::FreeFrameIsPageTable { .. }]),
            "{found:?}"
        );
    }

    #[test]
    fn a_tail_has_what_its_head_has_and_an_array_that_ends_is_an_error() {
        let guest = guest();
        set(&guest, 8, 48, 2 << 32);
        set(&guest, 9, LAYOUT.compound_head, (VMEMMAP + 64 * 8) | IS_TAIL);
        assert_eq!(get(&guest, 9).unwrap().references, 2);
        assert!(matches!(get(&guest, 64), Err(StructPageError::Walk(_))));
        set(&guest, 10, LAYOUT.compound_head, u64::MAX);
        assert!(get(&guest, 10).is_err());
    }
}
