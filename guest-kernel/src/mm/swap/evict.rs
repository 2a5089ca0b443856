//! A page goes to the disk.

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::address_space::layout;
use super::super::direct_map;
use super::super::frames::{self, Contents, FrameKind, OutOfMemory};
use super::super::page_table::{Entry, PageTable, registry};
use super::{SlotNumber, Swap};
use crate::arch;
use crate::log;
use crate::mutant::{self, Mutant};

impl Swap {
    /// Gives up one page: the frame is free afterwards.
    pub(super) fn evict(&mut self) -> Result<(), OutOfMemory> {
        let mut slot = self.slots.take().ok_or(OutOfMemory)?;
        let victim = self.hand.advance(registry::places(), sweep);
        // Marks were taken from entries that the processor may have cached.
        arch::flush_all();
        let Some((space, page)) = victim else {
            self.slots.release(slot);
            return Err(OutOfMemory);
        };
        let frame = registry::at(space)
            .expect("the hand stopped in an address space")
            .lookup(page)
            .frame();
        while let Err(error) = direct_map::with_bytes(frame, |bytes| self.disk.write(slot.as_u32(), bytes)) {
            log::line(format_args!("disk: cannot write page {}: {error}", slot.as_u32()));
            self.slots.mark_bad(slot);
            slot = self.slots.take().ok_or(OutOfMemory)?;
        }
        self.replace_entries(page, frame, slot);
        Ok(())
    }

    /// Puts the slot's number where the frame was mapped. Nothing changed the frame since it was written: no program runs
    /// until the kernel returns to one.
    fn replace_entries(&mut self, page: VirtAddr, frame: FrameNumber, slot: SlotNumber) {
        for mut owner in owners(page, frame) {
            self.slots.retain(slot);
            if !mutant::is(Mutant::SwapKeepsMapping) {
                owner.replace(page, Entry::swapped(slot));
            }
            frames::release(frame, Contents::Stale);
        }
        // The one that it was taken with.
        self.slots.release(slot);
        arch::flush_page(page);
    }
}

/// Goes over an address space from a page on: see [`super::clock`].
fn sweep(place: usize, from: VirtAddr) -> Option<VirtAddr> {
    let mut page_table = registry::at(place)?;
    let rest = PageRange::new(from.min(layout::TASK_END), layout::TASK_END);
    page_table
        .try_update_unflushed(rest, |page, entry| {
            if !entry.maps_memory() || frames::kind(entry.frame()) != FrameKind::Anonymous as u16 {
                Ok(entry)
            } else if entry.is_accessed() {
                Ok(entry.without_access_mark())
            } else if can_go(page, entry.frame()) {
                Err(page)
            } else {
                Ok(entry)
            }
        })
        .err()
}

/// Every reference to the frame is an entry for this page, and none of them has been used since the hand came by.
fn can_go(page: VirtAddr, frame: FrameNumber) -> bool {
    match frames::references(frame) {
        1 => true,
        references => {
            let unused = owners(page, frame).filter(|owner| !owner.lookup(page).is_accessed());
            unused.count() == references as usize
        }
    }
}

/// Page tables that map the frame at the page.
fn owners(
    page: VirtAddr,
    frame: FrameNumber,
) -> impl Iterator<Item = core::mem::ManuallyDrop<PageTable>> {
    (0..registry::places())
        .filter_map(registry::at)
        .filter(move |space| {
            let entry = space.lookup(page);
            entry.maps_memory() && entry.frame() == frame
        })
}
