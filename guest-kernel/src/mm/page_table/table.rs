//! One table of any level, and the count of its entries in use.

#![allow(unsafe_code, reason = "the entries of tables")]

use abi::paging::ENTRIES;

use super::super::address::{FrameNumber, VirtAddr};
use super::super::direct_map;
use super::super::frames::{self, Contents, OutOfMemory};
use super::{Entry, TABLE_KIND};

/// Index of the top-level entry that covers the kernel.
pub(super) const KERNEL_SLOT: usize = 511;

/// A frame that holds 512 entries.
///
/// **Invariant:** it holds nothing else, and is a table for as long as this is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table(FrameNumber);

impl Table {
    pub(super) fn allocate() -> Result<Self, OutOfMemory> {
        Ok(Self(frames::allocate(TABLE_KIND, Contents::Zeroed)?.leave()))
    }

    /// The table in a frame that an entry leads to.
    ///
    /// # Safety
    ///
    /// There is one in it, and it is not freed before the last use of this.
    pub(super) const unsafe fn at(frame: FrameNumber) -> Self {
        Self(frame)
    }

    pub(super) fn frame(self) -> FrameNumber {
        self.0
    }

    /// The entry that leads to this table on the way to `leaf`.
    pub(super) fn as_entry_like(self, leaf: Entry) -> Entry {
        Entry::table(self.0, leaf)
    }

    pub(super) fn get(self, index: usize) -> Entry {
        // SAFETY: the frame holds entries alone.
        Entry::from_bits(unsafe { direct_map::load(self.0, index) })
    }

    /// Replaces an entry in use by another.
    pub(super) fn set(self, index: usize, entry: Entry) {
        // SAFETY: as in `get`; what entries map is the affair of those who have the table.
        unsafe { direct_map::store(self.0, index, entry.bits()) };
    }

    /// Puts an entry where there is none.
    pub(super) fn add(self, index: usize, entry: Entry) {
        self.set(index, entry);
        frames::add_to_private(self.0, 1);
    }

    /// Empties an entry in use.
    pub(super) fn clear(self, index: usize) {
        self.set(index, Entry::EMPTY);
        frames::add_to_private(self.0, -1);
    }

    /// Number of entries in use.
    pub(super) fn used(self) -> u16 {
        frames::add_to_private(self.0, 0)
    }

    /// Indices of the entries in use from `first` to `last`, looked for as the iterator comes to them.
    pub(super) fn in_use(self, first: usize, last: usize) -> InUse {
        InUse {
            table: self,
            next: first,
            end: last + 1,
            unseen: self.used(),
        }
    }

    pub(super) fn is_unused(self) -> bool {
        self.used() == 0
    }

    /// The kernel's entry does not count: it is in every top table as long as that lives.
    pub(super) fn copy_kernel_half(self, from: Self) {
        self.set(KERNEL_SLOT, from.get(KERNEL_SLOT));
    }

    pub(super) fn clear_kernel_half(self) {
        self.set(KERNEL_SLOT, Entry::EMPTY);
    }
}

/// See [`Table::in_use`]. An entry that was in use at the start may be emptied when it has been seen, and none is added.
#[derive(Debug)]
pub(super) struct InUse {
    table: Table,
    next: usize,
    end: usize,
    /// Entries in use that have not been met, in the range or outside.
    unseen: u16,
}

impl Iterator for InUse {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.unseen = self.unseen.checked_sub(1)?;
        // SAFETY: the frame holds entries alone.
        let index = unsafe { direct_map::find_nonzero(self.table.0, self.next..self.end)? };
        self.next = index + 1;
        Some(index)
    }
}

/// Index into a table of `level` (4 is the top, 1 the last) of the entry for an address.
pub(super) const fn index_at(address: VirtAddr, level: u32) -> usize {
    (address.as_u64() >> shift_of(level) & (ENTRIES - 1)) as usize
}

/// log2 of the bytes that one entry of a table of `level` covers.
const fn shift_of(level: u32) -> u32 {
    abi::PAGE_SHIFT + 9 * (level - 1)
}

/// First address that the entry covers which is so many entries after that for `address`.
pub(super) const fn start_of_slot(address: VirtAddr, entries: usize, level: u32) -> VirtAddr {
    VirtAddr::new(((address.as_u64() >> shift_of(level)) + entries as u64) << shift_of(level))
}

/// First address after what the entry for `address` covers.
pub(super) const fn end_of_slot(address: VirtAddr, level: u32) -> VirtAddr {
    VirtAddr::new(((address.as_u64() >> shift_of(level)) + 1).wrapping_shl(shift_of(level)))
}
