//! Areas whose faults a program serves, and what that program does to their pages. See [`crate::uffd`].
//!
//! A page that is guarded is mapped read-only until the guard is taken away: whoever stores to it waits.
//!
//! **Invariant:** a guarded page lies in an area that is watched for stores, and its entry is never writable.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use core::convert::Infallible;

use super::super::address::{PageRange, VirtAddr};
use super::super::frames::FrameRef;
use super::super::page_table::Entry;
use super::unmap::release;
use super::{Access, AddressSpace, Backing, Vma};
use crate::arch;
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::shadowpt;
use crate::uffd::ContextId;

/// What a program wants to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WatchModes {
    /// Accesses to pages that are not there.
    pub(crate) missing: bool,
    /// Stores to pages that are guarded.
    pub(crate) write_protected: bool,
}

/// Who serves an area's faults, and which ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    context: ContextId,
    modes: WatchModes,
}

/// A fault that somebody else serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Awaited {
    pub(crate) context: ContextId,
    /// That was accessed.
    pub(crate) address: VirtAddr,
    pub(crate) access: Access,
    pub(crate) reason: AwaitedFor,
}

/// What the access lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AwaitedFor {
    Page,
    /// The page is there, and guarded.
    Store,
}

/// Whether stores to a page are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guard {
    On,
    Off,
}

impl AddressSpace {
    /// Has the faults of all areas in the range be served. EINVAL when there is none, or one that cannot be; EBUSY when somebody
    /// else serves one.
    pub(crate) fn watch(
        &mut self,
        range: PageRange,
        context: ContextId,
        modes: WatchModes,
    ) -> Result<(), Errno> {
        self.check_watchable(range, context, Errno::EBUSY)?;
        self.areas.reserve_change()?;
        self.for_each_part(range, |space, part, watch| {
            let has_all = watch.is_some_and(|watch| watch.modes.contain(modes));
            if !has_all {
                if !modes.write_protected {
                    space.set_guards(part, Guard::Off);
                }
                space
                    .areas
                    .change(part, |area| area.watch = Some(Watch { context, modes }));
            }
        });
        Ok(())
    }

    /// No more.
    pub(crate) fn unwatch(&mut self, range: PageRange, context: ContextId) -> Result<(), Errno> {
        self.check_watchable(range, context, Errno::EINVAL)?;
        self.areas.reserve_change()?;
        self.for_each_part(range, |space, part, watch| {
            if watch.is_some() {
                space.set_guards(part, Guard::Off);
                space.areas.change(part, |area| area.watch = None);
            }
        });
        Ok(())
    }

    /// The context is gone.
    pub(crate) fn unwatch_all(&mut self, context: ContextId) {
        let is_its = |area: &Vma| area.watch.is_some_and(|watch| watch.context == context);
        loop {
            let next = self.areas.iter().find(|area| is_its(area));
            let Some(range) = next.map(|area| area.range) else {
                return;
            };
            self.set_guards(range, Guard::Off);
            // Whole areas, so that this needs no room.
            self.areas.change_whole(range, |area| area.watch = None);
        }
    }

    /// Whether the context still serves the address.
    pub(crate) fn serves(&self, address: VirtAddr, context: ContextId) -> bool {
        let watch = self.area_at(address).and_then(|area| area.watch);
        watch.is_some_and(|watch| watch.context == context)
    }

    /// Whether pages can be put there, if none are: ENOENT for a range that is not in one area that is watched, EINVAL for guards
    /// in one that is not watched for stores.
    pub(crate) fn check_fill(&self, range: PageRange, guard: Guard) -> Result<(), Errno> {
        let area = self
            .area_at(range.start())
            .filter(|area| range.end() <= area.range.end());
        let area = area.ok_or(Errno::ENOENT)?;
        let watch = area.watch.ok_or(Errno::ENOENT)?;
        let is_refused = guard == Guard::On && !watch.modes.write_protected;
        if is_refused || area.backing != Backing::Anonymous {
            return Err(Errno::EINVAL);
        }
        Ok(())
    }

    /// Puts a page there. EEXIST when there is one, be it on the disk.
    pub(crate) fn fill(&mut self, page: VirtAddr, frame: FrameRef, guard: Guard) -> Result<(), Errno> {
        let range = PageRange::single(page);
        self.check_fill(range, guard)?;
        let area = self.area_at(page).ok_or(Errno::ENOENT)?;
        let old = self.page_table.lookup(page);
        if !old.is_empty() && !mutant::is(Mutant::UffdCopyReplaces) {
            return Err(Errno::EEXIST);
        }
        let entry = area.as_locked(Entry::user(frame.leave(), area.protection).dirtied());
        let entry = match guard {
            Guard::On => entry.guarded(),
            Guard::Off => entry,
        };
        if old.is_empty() {
            let installed = self.page_table.install(page, entry);
            installed.inspect_err(|_| {
                // SAFETY: the entry has got its reference above, and is in no page table.
                unsafe { release(entry) };
            })?;
        } else {
            self.page_table.replace(page, entry);
            // SAFETY: another entry has just replaced it.
            unsafe { release(old) };
            arch::flush_page(page);
        }
        if !mutant::is(Mutant::ShadowUffdUntracked) {
            shadowpt::pages_changed(&self.page_table, range);
        }
        Ok(())
    }

    /// Guards the pages that are there, or does so no more. ENOENT at the first area that is not watched for stores, and for none
    /// at all; areas before it are changed by then, as on Linux.
    pub(crate) fn guard(&mut self, range: PageRange, guard: Guard) -> Result<(), Errno> {
        let mut is_watched = None;
        self.for_each_part(range, |space, part, watch| {
            if is_watched != Some(false) {
                is_watched = Some(watch.is_some_and(|watch| watch.modes.write_protected));
            }
            if is_watched == Some(true) {
                space.set_guards(part, guard);
            }
        });
        (is_watched == Some(true)).then_some(()).ok_or(Errno::ENOENT)
    }

    /// `error` is for areas of another context.
    fn check_watchable(&self, range: PageRange, context: ContextId, error: Errno) -> Result<(), Errno> {
        let mut result = Err(Errno::EINVAL);
        for area in self.areas.overlapping(range) {
            if area.backing != Backing::Anonymous {
                return Err(Errno::EINVAL);
            }
            if area.watch.is_some_and(|watch| watch.context != context) {
                return Err(error);
            }
            result = Ok(());
        }
        result
    }

    /// Visits the part of each area that lies in the range, lowest first. `f` may change what the part is.
    fn for_each_part(&mut self, range: PageRange, mut f: impl FnMut(&mut Self, PageRange, Option<Watch>)) {
        let mut next = range.start();
        while next < range.end() {
            let rest = PageRange::new(next, range.end());
            let found = self.areas.overlapping(rest).next();
            let part = found.and_then(|area| Some((area.range.intersection(&rest)?, area.watch)));
            let Some((part, watch)) = part else { break };
            f(self, part, watch);
            next = part.end();
        }
    }

    fn set_guards(&mut self, range: PageRange, guard: Guard) {
        let Ok(()) = self
            .page_table
            .try_update_unflushed::<Infallible>(range, |_, entry| {
                Ok(match guard {
                    Guard::On => entry.guarded(),
                    Guard::Off => entry.unguarded(),
                })
            });
        arch::flush_all();
        shadowpt::pages_changed(&self.page_table, range);
    }
}

/// The fault, if somebody else serves those of the area: of a page that is not there.
pub(super) fn awaits_page(area: &Vma, address: VirtAddr, access: Access) -> Option<Awaited> {
    let watch = area.watch.filter(|watch| watch.modes.missing)?;
    (area.backing == Backing::Anonymous).then_some(Awaited {
        context: watch.context,
        address,
        access,
        reason: AwaitedFor::Page,
    })
}

/// The same for a store to a page that is guarded.
pub(super) fn awaits_store(area: &Vma, address: VirtAddr) -> Option<Awaited> {
    Some(Awaited {
        context: area.watch?.context,
        address,
        access: Access::Write,
        reason: AwaitedFor::Store,
    })
}

impl WatchModes {
    fn contain(self, other: Self) -> bool {
        (self.missing || !other.missing) && (self.write_protected || !other.write_protected)
    }
}
