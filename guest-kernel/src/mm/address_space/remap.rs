//! Frames that are in a program's memory from the start, as Linux's `remap_pfn_range` puts them there.
//!
//! Those that the kernel lends can be read only. The program brings the addresses: a part of private anonymous memory that it
//! has not touched. That part becomes an area of its own; what was there before comes back when the kernel takes its frames away.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use super::super::address::{PageRange, VirtAddr};
use super::super::frames::{FrameRef, OutOfMemory};
use super::super::page_table::Entry;
use super::unmap::{release, release_pages};
use super::{AddressSpace, Backing, Growth, Protection, Vma};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};

impl AddressSpace {
    /// Maps one frame a page, and gives the protection that the memory had. EINVAL when the range is not in one area of that
    /// kind, or a page of it is or was there; ENOMEM changes nothing.
    pub(crate) fn lend(&mut self, range: PageRange, frames: &[FrameRef]) -> Result<Protection, Errno> {
        assert!(
            range.pages() == frames.len() as u64 && !range.is_empty(),
            "a frame for each page of {range:?}"
        );
        let area = self.area_at(range.start()).filter(|area| can_take(area, range));
        let before = area.ok_or(Errno::EINVAL)?.protection;
        if self.page_table.has_entry_in(range) {
            return Err(Errno::EINVAL);
        }
        self.areas.reserve_change()?;
        self.install_all(range, lent_entries(range, frames))?;
        self.areas.change(range, |area| {
            area.protection = Protection::READ;
            area.backing = Backing::Lent;
        });
        self.note_change(range);
        Ok(before)
    }

    /// Takes the frames away again. The memory is anonymous, with that protection, and nobody has touched it. What the program has
    /// unmapped or mapped anew in the meantime stays as it is.
    pub(crate) fn take_back(&mut self, range: PageRange, protection: Protection) {
        for area in self.areas.overlapping(range) {
            if area.backing == Backing::Lent {
                release_pages(&mut self.page_table, area.range);
            }
        }
        self.areas.change_whole(range, |area| {
            if area.backing == Backing::Lent {
                area.protection = protection;
                area.backing = Backing::Anonymous;
            }
        });
        self.note_change(range);
    }

    /// Puts pages into a range in which nothing is, all or none.
    pub(super) fn install_all(
        &mut self,
        range: PageRange,
        pages: impl Iterator<Item = (VirtAddr, Entry)>,
    ) -> Result<(), OutOfMemory> {
        for (page, entry) in pages {
            if let Err(OutOfMemory) = self.page_table.install(page, entry) {
                // SAFETY: whoever made the entry left it a reference, and it is in no page table.
                unsafe { release(entry) };
                if !mutant::is(Mutant::ShadowOpenLeavesPages) {
                    release_pages(&mut self.page_table, range);
                }
                return Err(OutOfMemory);
            }
        }
        Ok(())
    }
}

/// To be read, each with a reference to its frame.
fn lent_entries(range: PageRange, frames: &[FrameRef]) -> impl Iterator<Item = (VirtAddr, Entry)> {
    let protection = if mutant::is(Mutant::ShadowEntriesWritable) {
        Protection::READ_WRITE
    } else {
        Protection::READ
    };
    range.iter().zip(frames).map(move |(page, frame)| {
        let frame = FrameRef::retain(frame.number());
        (page, Entry::user(frame.leave(), protection))
    })
}

/// Readable, private and anonymous, of a fixed size, and all of the range.
fn can_take(area: &Vma, range: PageRange) -> bool {
    area.backing == Backing::Anonymous
        && area.growth == Growth::Fixed
        && !area.protection.is_none()
        && range.end() <= area.range.end()
}
