//! munmap: a range loses its pages and its areas.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use abi::PAGE_SIZE;

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::frames::FrameRef;
use super::super::page_table::{Entry, PageTable};
use super::super::swap;
use super::{AddressSpace, layout};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::{shadowpt, uffd};

impl AddressSpace {
    /// The system call: any address and length, holes included.
    pub(crate) fn unmap(&mut self, start: VirtAddr, bytes: u64) -> Result<(), Errno> {
        let end = layout::TASK_END.as_u64();
        let start = if mutant::is(Mutant::MunmapRoundsAddress) {
            start.page()
        } else {
            start
        };
        if !start.is_page_aligned() || start.as_u64() > end || bytes > end - start.as_u64() {
            return Err(Errno::EINVAL);
        }
        let bytes = round_up_to_page(bytes).ok_or(Errno::EINVAL)?;
        if bytes == 0 {
            return Err(Errno::EINVAL);
        }
        let range = PageRange::new(start, start.plus(bytes));
        self.unmap_range(range)?;
        if mutant::is(Mutant::ShadowMunmapKeepsMapped) {
            shadowpt::areas_changed(self, range);
        } else {
            self.note_change(range);
        }
        Ok(())
    }

    /// Refused only when there is no memory to remember what remains; then nothing changes. The caller tells of the change.
    pub(super) fn unmap_range(&mut self, range: PageRange) -> Result<(), Errno> {
        if self.areas.is_free(range) {
            return Ok(());
        }
        self.areas.reserve_change()?;
        for area in self.areas.overlapping(range) {
            if let Some(part) = area.range.intersection(&range) {
                unmap_pages(&mut self.page_table, part);
            }
            if area.watch.is_some() {
                uffd::note_unmapped();
            }
        }
        self.areas.remove(range);
        Ok(())
    }
}

fn unmap_pages(page_table: &mut PageTable, range: PageRange) {
    let last = range.end().minus(PAGE_SIZE);
    page_table.update(range, |page, entry| {
        if page == last && mutant::is(Mutant::MunmapLeavesPte) || stays_on_the_disk(entry) {
            return entry;
        }
        // SAFETY: the entry is emptied, and so its reference nobody else's; that it stays is a fault that is committed on purpose.
        unsafe { release(entry) };
        if mutant::is(Mutant::FreeFrameMapped) {
            entry
        } else {
            Entry::EMPTY
        }
    });
}

/// Empties the page-table entries of a range and gives back what they hold.
pub(super) fn release_pages(page_table: &mut PageTable, range: PageRange) {
    page_table.update(range, |_, entry| {
        if stays_on_the_disk(entry) {
            return entry;
        }
        // SAFETY: the entry is emptied, and so its reference nobody else's.
        unsafe { release(entry) };
        Entry::EMPTY
    });
}

/// What [`Mutant::UnmapLeavesSlots`] does.
fn stays_on_the_disk(entry: Entry) -> bool {
    mutant::is(Mutant::UnmapLeavesSlots) && entry.slot().is_some()
}

/// Gives back the reference that an entry held, to a frame or to a slot of the disk.
///
/// # Safety
///
/// The entry must have held it, and be in no page table any more.
pub(super) unsafe fn release(entry: Entry) {
    match entry.slot() {
        Some(_) if mutant::is(Mutant::SwapSlotLeaked) => {}
        Some(slot) => swap::release(slot),
        // SAFETY: by the caller's promise the reference was left to the entry, which is gone.
        None if entry.has_frame() => drop(unsafe { FrameRef::adopt(entry.frame()) }),
        None => {}
    }
}
