//! What a Linux says of its frames: `struct page`, one for each frame, in an array that is mapped at a fixed place.
//!
//! A claim, as the account of any kernel: it adds findings, and takes none away. How the structure is laid out differs from build to
//! build, and is what the kernel's own type information says ([`crate::kernel_file::page_layout`]).

use std::cell::Cell;

use abi::PAGE_SIZE;
use serde::{Deserialize, Serialize};

use super::PhysicalMemory;
use super::memory::OutsideMemory;
use super::walk::{Root, WalkError, translate};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};

/// Where the array begins, on a processor with page tables of four levels and without randomised memory: `vmemmap` in Linux's
/// `Documentation/arch/x86/x86_64/mm.rst`.
const VMEMMAP: u64 = 0xffff_ea00_0000_0000;
/// The low bits of `mapping` say what it points to.
const MAPPING_KIND: u64 = 3;
/// An `anon_vma`: the frame is anonymous memory.
const MAPPING_ANON: u64 = 1;
/// In `compound_head`: this is not the first page of its folio, and the rest leads to that one.
const IS_TAIL: u64 = 1;

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

/// What the kernel says of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageInfo {
    /// References; 0 for a frame that is free.
    pub references: u32,
    /// It is not the allocator's, and so has no references that mean something.
    pub is_reserved: bool,
    /// It is anonymous memory of a process.
    pub is_anonymous: bool,
    /// Whether it is a page table; None where the kernel does not tell.
    pub is_page_table: Option<bool>,
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

    /// What the kernel says of a frame; of one inside a larger folio, what it says of all of that.
    ///
    /// # Errors
    /// The array cannot be read there.
    pub fn get(&self, frame: FrameNumber) -> Result<PageInfo, StructPageError> {
        let own = VirtAddr(VMEMMAP.wrapping_add(frame.0.wrapping_mul(self.layout.size)));
        let head = self.word(own, self.layout.compound_head)?;
        let page = if head & IS_TAIL == 0 {
            own
        } else {
            VirtAddr(head & !IS_TAIL)
        };
        let flags = self.word(page, self.layout.flags)?;
        let mapping = self.word(page, self.layout.mapping)?;
        let is_page_table = match self.layout.page_table {
            None => None,
            Some((at, kind)) => Some(self.half_word(page, at)? >> 24 == kind),
        };
        Ok(PageInfo {
            references: self.half_word(page, self.layout.refcount)?,
            is_reserved: flags & 1_u64.checked_shl(self.layout.reserved_bit).unwrap_or(0) != 0,
            is_anonymous: mapping & MAPPING_KIND == MAPPING_ANON,
            is_page_table,
        })
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
    use abi::paging::{PRESENT, WRITABLE};
    use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

    use super::*;

    const LAYOUT: PageLayout = PageLayout {
        size: 64,
        flags: 0,
        reserved_bit: 12,
        refcount: 52,
        mapping: 24,
        compound_head: 8,
        page_table: Some((48, 0xf2)),
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

    fn get(guest: &GuestMemoryMmap, frame: u64) -> Result<PageInfo, StructPageError> {
        let root = Root::from_cr3(TABLES[0]);
        StructPages::new(PhysicalMemory::new(guest), root, LAYOUT).get(FrameNumber(frame))
    }

    #[test]
    fn a_frame_has_the_references_flags_and_kind_of_its_structure() {
        let guest = guest();
        set(&guest, 3, LAYOUT.flags, 1 << 12);
        set(&guest, 3, LAYOUT.mapping, 0xffff_8880_0000_0001);
        set(&guest, 3, 48, 7 << 32 | 0xf200_0000);
        let info = PageInfo {
            references: 7,
            is_reserved: true,
            is_anonymous: true,
            is_page_table: Some(true),
        };
        assert_eq!(get(&guest, 3), Ok(info));
        let free = PageInfo {
            references: 0,
            is_reserved: false,
            is_anonymous: false,
            is_page_table: Some(false),
        };
        assert_eq!(get(&guest, 4), Ok(free));
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
