//! Kernel memory that is mapped page by page: one piece in the kernel's addresses, and any frames behind it.
//!
//! It lies in the run-time half of the kernel's addresses, near enough to the image for code in it to call the kernel. Between
//! two pieces there is an unmapped page. A new piece is zero, and can be written and not executed; [`super::set_memory`]
//! changes that.
//!
//! **Invariant:** a frame that is given back has its direct-map alias as it was.

#![allow(unsafe_code, reason = "memory that is mapped at run time, as slices")]

use alloc::vec::Vec;
use core::{mem, slice};

use abi::PAGE_SIZE;

use super::address::{FrameNumber, PageRange, VirtAddr, round_up_to_page};
use super::frames::{self, Contents, FrameKind, OutOfMemory};
use super::image::RUN_TIME_BASE;
use super::kernel_stack::KERNEL_STACKS;
use super::module_pages;
use super::page_table::{Entry, PageTable, alias};
use crate::mutant::{self, Mutant};
use crate::sync::Lock;

/// Addresses of all pieces and what is between them.
const PIECES: PageRange = PageRange::new(RUN_TIME_BASE.plus(256 << 20), RUN_TIME_BASE.plus(512 << 20));

/// Pieces by address. Empty it has no memory of its own.
static TAKEN: Lock<Vec<PageRange>> = Lock::new(Vec::new());

/// A piece.
#[derive(Debug)]
pub(crate) struct Vmalloc(PageRange);

impl Vmalloc {
    /// Whole pages, as many as `bytes` need, on frames of that kind.
    pub(crate) fn new(kind: FrameKind, bytes: usize) -> Result<Self, OutOfMemory> {
        let range = take_range(bytes as u64)?;
        // From here on dropping it undoes what has been done.
        let piece = Self(range);
        let mut kernel = PageTable::kernel();
        for page in range.iter() {
            let frame = frames::allocate(kind, Contents::Zeroed)?;
            kernel.install(page, Entry::kernel_data(frame.number()))?;
            frame.leave();
        }
        Ok(piece)
    }

    pub(crate) fn range(&self) -> PageRange {
        self.0
    }

    /// Leaves it to somebody who knows its range, or no more than its address.
    pub(crate) fn leave(self) -> PageRange {
        mem::ManuallyDrop::new(self).0
    }

    /// Takes over a piece that was left; None if there is none that starts at the address.
    ///
    /// # Safety
    ///
    /// A piece that starts there must have been left to the caller, and nobody else may take it over.
    pub(crate) unsafe fn adopt(start: VirtAddr) -> Option<Self> {
        let taken = TAKEN.lock();
        let index = taken.binary_search_by_key(&start, PageRange::start).ok()?;
        Some(Self(taken[index]))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the pages are mapped as long as `self` lives, readable whatever else they are, and nobody else's.
        unsafe { slice::from_raw_parts(self.0.start().as_u64() as *const u8, self.0.bytes() as usize) }
    }

    /// For as long as no page has been made read-only: a store to one stops the kernel.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; whoever has `self` mutably is alone.
        unsafe { slice::from_raw_parts_mut(self.0.start().as_u64() as *mut u8, self.0.bytes() as usize) }
    }
}

impl Drop for Vmalloc {
    fn drop(&mut self) {
        PageTable::kernel().update(self.0, |_, entry| {
            if !mutant::is(Mutant::VfreeKeepsProtection) {
                alias::restore(entry.frame());
            }
            // SAFETY: `new` left the reference to this entry, which is emptied.
            unsafe { module_pages::give_back(entry.frame()) };
            Entry::EMPTY
        });
        give_range_back(self.0);
    }
}

/// Frame behind an address in a piece.
pub(crate) fn frame_behind(address: VirtAddr) -> Option<FrameNumber> {
    entry_of(address.page()).map(Entry::frame)
}

/// What the frame would be if all frames of the piece were in a row: only a fault that is committed on purpose takes it for one.
pub(crate) fn frame_as_if_in_a_row(address: VirtAddr) -> Option<FrameNumber> {
    let taken = TAKEN.lock();
    let piece = taken.iter().find(|piece| piece.contains(address))?;
    let pages = (address.as_u64() - piece.start().as_u64()) / PAGE_SIZE;
    entry_of(piece.start())?.frame().checked_plus(pages as u32)
}

/// What maps a page of a piece.
pub(super) fn entry_of(page: VirtAddr) -> Option<Entry> {
    let entry = PIECES.contains(page).then(|| PageTable::kernel().lookup(page))?;
    entry.is_present().then_some(entry)
}

fn take_range(bytes: u64) -> Result<PageRange, OutOfMemory> {
    let bytes = round_up_to_page(bytes)
        .filter(|bytes| (1..PIECES.bytes()).contains(bytes))
        .ok_or(OutOfMemory)?;
    let mut taken = TAKEN.lock();
    let (index, start) = find_gap(&taken, bytes).ok_or(OutOfMemory)?;
    let range = PageRange::new(start, start.plus(bytes));
    taken.try_reserve(1).map_err(|_| OutOfMemory)?;
    taken.insert(index, range);
    Ok(range)
}

fn give_range_back(range: PageRange) {
    let mut taken = TAKEN.lock();
    taken.retain(|other| *other != range);
    if taken.is_empty() {
        *taken = Vec::new();
    }
}

/// The first gap with room for the bytes and an unmapped page behind them, and its place among the pieces.
fn find_gap(taken: &[PageRange], bytes: u64) -> Option<(usize, VirtAddr)> {
    let mut start = PIECES.start();
    for (index, piece) in taken.iter().enumerate() {
        if start.plus(bytes + PAGE_SIZE) <= piece.start() {
            return Some((index, start));
        }
        start = piece.end().plus(PAGE_SIZE);
    }
    (start.plus(bytes + PAGE_SIZE) <= PIECES.end()).then_some((taken.len(), start))
}

const _: () = assert!(
    KERNEL_STACKS.end().as_u64() + PAGE_SIZE < PIECES.start().as_u64(),
    "stacks and registers lie below"
);

#[cfg(test)]
mod tests {
    use super::{PAGE_SIZE, PIECES, PageRange, find_gap};

    /// A piece of `pages` pages, `at` pages from the start.
    fn piece(at: u64, pages: u64) -> PageRange {
        let start = PIECES.start().plus(at * PAGE_SIZE);
        PageRange::new(start, start.plus(pages * PAGE_SIZE))
    }

    /// Where `pages` pages go, in pages from the start.
    fn place(taken: &[PageRange], pages: u64) -> Option<(usize, u64)> {
        let (index, start) = find_gap(taken, pages * PAGE_SIZE)?;
        Some((index, (start.as_u64() - PIECES.start().as_u64()) / PAGE_SIZE))
    }

    #[test]
    fn between_two_pieces_there_is_a_page_that_belongs_to_none() {
        assert_eq!(place(&[], 2), Some((0, 0)));
        assert_eq!(place(&[piece(0, 2)], 1), Some((1, 3)));
    }

    #[test]
    fn the_first_gap_that_is_large_enough_is_used_again() {
        let taken = [piece(0, 1), piece(5, 1), piece(20, 1)];
        assert_eq!(place(&taken, 2), Some((1, 2)));
        assert_eq!(place(&taken, 3), Some((2, 7)));
        assert_eq!(place(&taken, 100), Some((3, 22)));
    }

    #[test]
    fn what_is_larger_than_all_addresses_has_no_place() {
        let all = PIECES.pages();
        assert_eq!(place(&[], all), None);
        assert_eq!(place(&[], all - 1), Some((0, 0)));
        assert_eq!(place(&[piece(0, all - 1)], 1), None);
    }
}
