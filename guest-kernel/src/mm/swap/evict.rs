//! A page goes to the disk.

#![allow(
    unsafe_code,
    reason = "frames of programs, and the references that page-table entries hold"
)]

use core::mem::ManuallyDrop;

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::direct_map;
use super::super::frames::{self, Contents, OutOfMemory};
use super::super::page_table::{Entry, PageTable, registry};
use super::{SlotNumber, Swap};
use crate::arch;
use crate::log;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

/// What is mapped at a page of an address space.
#[derive(Clone, Copy)]
struct Victim {
    space: usize,
    page: VirtAddr,
    frame: FrameNumber,
}

impl Swap {
    /// Gives up one page: its frame is free afterwards. A slot that the disk refuses is bad, and the page tries another.
    pub(super) fn evict(&mut self) -> Result<(), OutOfMemory> {
        let slot = self.slots.take().ok_or(OutOfMemory)?;
        match self.choose() {
            Some(victim) => self.write_out(victim, slot),
            None => {
                self.slots.release(slot);
                Err(OutOfMemory)
            }
        }
    }

    /// Gives up the page of that address space, if its frame is a program's that nobody else has, and there is a slot for it.
    pub(super) fn evict_page(&mut self, page_table: &PageTable, page: VirtAddr) -> Result<(), OutOfMemory> {
        let entry = page_table.lookup(page);
        let frame = entry.frame();
        let may_go = entry.maps_memory() && !entry.is_locked();
        if !may_go || !frames::is_programs(frame) || frames::references(frame) != 1 {
            return Ok(());
        }
        let space = registry::place_of(page_table.root());
        let slot = self.slots.take().ok_or(OutOfMemory)?;
        self.write_out(Victim { space, page, frame }, slot)
    }

    fn write_out(&mut self, victim: Victim, mut slot: SlotNumber) -> Result<(), OutOfMemory> {
        loop {
            let take = |bytes: &mut [u8]| self.disk.write(slot.as_u32(), bytes);
            // SAFETY: the frame is a program's, of which none runs before this returns.
            let Err(error) = (unsafe { direct_map::with_bytes(victim.frame, take) }) else {
                break;
            };
            log::line(format_args!("disk: cannot write page {}: {error}", slot.as_u32()));
            self.slots.mark_bad(slot);
            slot = self.slots.take().ok_or(OutOfMemory)?;
        }
        // Nothing changed the frame since it was written: no program runs before the kernel returns to it.
        for (nth, mut owner) in victim.owners().enumerate() {
            if !mutant::is(Mutant::SwapKeepsMapping) {
                let swapped = Entry::swapped(slot);
                let entry = if mutant::is(Mutant::UffdGuardLostOnDisk) {
                    swapped
                } else {
                    swapped.guarded_like(owner.lookup(victim.page))
                };
                owner.replace(victim.page, entry);
            }
            shadowpt::pages_changed(&owner, PageRange::single(victim.page));
            // The first one has the reference that the slot was taken with.
            if nth > 0 {
                self.slots.retain(slot);
            }
            // SAFETY: the owner's entry held the reference, and has just been replaced; that it is not is a fault that is committed on
            // purpose.
            unsafe { frames::release(victim.frame, Contents::Stale) };
        }
        arch::flush_page(victim.page);
        Ok(())
    }

    /// Moves the hand to the next page that can go.
    fn choose(&mut self) -> Option<Victim> {
        let mut frame = None;
        let mut has_taken_marks = false;
        let found = self.hand.advance(registry::places(), |space, from| {
            registry::at(space)?.find(from, |page, entry| {
                let stays = entry.is_locked() && !mutant::is(Mutant::LockedPageGoes);
                if !entry.maps_memory() || stays {
                    return false;
                }
                if entry.is_accessed() {
                    *entry = entry.without_access_mark();
                    has_taken_marks = true;
                    return false;
                }
                let victim = Victim {
                    space,
                    page,
                    frame: entry.frame(),
                };
                frame = victim.can_go().then_some(victim.frame);
                frame.is_some()
            })
        });
        if has_taken_marks {
            // A processor that has the entry cached would not set its mark again.
            arch::flush_all();
        }
        let (space, page) = found?;
        Some(Victim {
            space,
            page,
            frame: frame?,
        })
    }
}

impl Victim {
    /// The frame is a program's own, every reference to it is an entry for this page, and none of them is locked or has been used
    /// since the hand came by.
    fn can_go(&self) -> bool {
        if !frames::is_programs(self.frame) {
            return false;
        }
        let references = frames::references(self.frame) as usize;
        references == 1
            || self
                .owners()
                .filter(|owner| {
                    let entry = owner.lookup(self.page);
                    !entry.is_accessed() && !entry.is_locked()
                })
                .count()
                == references
    }

    /// Page tables that map the frame at the page, this one first; at most as many as the frame has references.
    fn owners(&self) -> impl Iterator<Item = ManuallyDrop<PageTable>> + use<> {
        let Self { space, page, frame } = *self;
        (space..registry::places())
            .chain(0..space)
            .filter_map(registry::at)
            .filter(move |owner| {
                let entry = owner.lookup(page);
                entry.maps_memory() && entry.frame() == frame
            })
            .take(frames::references(frame) as usize)
    }
}
