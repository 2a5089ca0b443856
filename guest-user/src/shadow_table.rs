//! Memory in which an inspector sees the shadow page table.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::shadowpt::{ENTRY_BYTES, MAX_SPT_RANGE, ShadowPte};

use crate::Span;
use crate::syscall::Errno;
use crate::syscall::shadowpt::ShadowPt;

/// The entries for a range of addresses, one a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowTable {
    entries: Span,
    pages: u64,
}

impl ShadowTable {
    /// Maps memory for the entries of a range, which is cut to [`MAX_SPT_RANGE`], and touches none of it.
    pub fn map(start: u64, end: u64) -> Result<Self, Errno> {
        let pages = end.saturating_sub(start).min(MAX_SPT_RANGE).div_ceil(PAGE_SIZE);
        let bytes = (pages * ENTRY_BYTES).max(1).next_multiple_of(PAGE_SIZE);
        let entries = Span::map(bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
        Ok(Self { entries, pages })
    }

    /// Maps memory and opens a table of the target in it.
    pub fn open(calls: ShadowPt, target: i32, start: u64, end: u64) -> Result<Self, Errno> {
        let table = Self::map(start, end)?;
        match calls.open(target, start, end, table.entries) {
            Ok(_) => Ok(table),
            Err(errno) => {
                table.entries.unmap()?;
                Err(errno)
            }
        }
    }

    /// The memory.
    #[must_use]
    pub fn entries(self) -> Span {
        self.entries
    }

    /// How many entries there are.
    #[must_use]
    pub fn pages(self) -> u64 {
        self.pages
    }

    /// The entry of that number, from 0. Before the table is open it is all zero.
    #[must_use]
    pub fn entry(self, index: u64) -> ShadowPte {
        assert!(index < self.pages, "entry {index} of {}", self.pages);
        let [vaddr, pfn, state_flags] =
            [0, 8, 16].map(|offset| self.entries.load_u64(index * ENTRY_BYTES + offset));
        ShadowPte {
            vaddr,
            pfn,
            state_flags,
        }
    }
}
