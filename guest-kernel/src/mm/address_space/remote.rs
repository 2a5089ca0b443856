//! Access to memory past its protection, as `/proc/PID/mem` gives it: a page is looked up, and if it is not as the access
//! needs it, brought about by a fault and looked up again. Between the two anything may happen, because the caller offers to
//! give way there.
//!
//! A store to a private page that may not be written goes to a copy, which stays unwritable for the program. How a lookup
//! knows that the page it finds is that copy is the difference between [`WaysToKnow::Remembers`] and
//! [`WaysToKnow::ForgetsToWrite`]; `docs/dirty-cow.md` tells the whole story.

use core::sync::atomic::{AtomicBool, Ordering};

use super::super::address::VirtAddr;
use super::super::frames::{self, FrameRef};
use super::super::page_table::Entry;
use super::{Access, AddressSpace, FaultError};
use crate::mutant::{self, Mutant};

/// What a lookup does when a fault has made a copy of a page that stays unwritable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaysToKnow {
    /// It remembers that there was a copy, and takes a page only if it is one: a store has marked it dirty.
    Remembers,
    /// It asks for a page to read from then on, because the copy cannot be had for writing. Whatever page it finds next, it
    /// writes to (CVE-2016-5195).
    ForgetsToWrite,
}

static FORGETS: AtomicBool = AtomicBool::new(false);

/// Lookups work as they did before CVE-2016-5195 was known.
pub(crate) fn be_vulnerable_to_dirty_cow() {
    FORGETS.store(true, Ordering::Relaxed);
}

fn way_to_know() -> WaysToKnow {
    if FORGETS.load(Ordering::Relaxed) {
        WaysToKnow::ForgetsToWrite
    } else {
        WaysToKnow::Remembers
    }
}

/// What one access looks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    access: Access,
    /// A fault has made a copy for this access.
    copied: bool,
}

impl Lookup {
    pub(crate) fn new(access: Access) -> Self {
        Self {
            access,
            copied: false,
        }
    }
}

impl AddressSpace {
    /// The frame of a page, if it is there and as the lookup wants it.
    pub(crate) fn follow_page(&self, page: VirtAddr, lookup: Lookup) -> Option<FrameRef> {
        let entry = self.page_table.lookup(page);
        let is_right = lookup.access != Access::Write
            || entry.is_writable()
            || lookup.copied && entry.is_dirty() && !entry.is_guarded()
            || mutant::is(Mutant::MemStoreIgnoresCow);
        let is_there = entry.maps_memory() && is_right && !self.is_drivers_alone(page, entry);
        is_there.then(|| FrameRef::retain(entry.frame()))
    }

    /// The frame of memory behind a page, be it that protection forbids every access to it. None for a page that is not in memory.
    pub(crate) fn memory_at(&self, page: VirtAddr) -> Option<FrameRef> {
        let entry = self.page_table.lookup(page);
        let is_there = entry.maps_memory() && !self.is_drivers_alone(page, entry);
        is_there.then(|| FrameRef::retain(entry.frame()))
    }

    /// A frame that a driver has put there is for the program's own accesses, as on Linux.
    fn is_drivers_alone(&self, page: VirtAddr, entry: Entry) -> bool {
        frames::is_drivers(entry.frame()) && self.area_at(page).is_some_and(|area| area.backing.is_fixed())
    }

    /// Brings the page about, and says what to look for next. Whoever serves faults of the memory is not asked, as on Linux.
    pub(crate) fn fault_in_page(&mut self, page: VirtAddr, lookup: Lookup) -> Result<Lookup, FaultError> {
        let area = self.area_at(page).ok_or(FaultError::Forbidden)?;
        let is_forced = lookup.access == Access::Write && !area.protection.allows_write();
        let is_shared = !area.backing.is_private();
        if area.backing.is_fixed() || is_shared && is_forced {
            return Err(FaultError::Forbidden);
        }
        self.resolve(page, lookup.access)?;
        Ok(match way_to_know() {
            _ if !is_forced => lookup,
            WaysToKnow::Remembers => Lookup {
                copied: true,
                ..lookup
            },
            WaysToKnow::ForgetsToWrite => Lookup::new(Access::Read),
        })
    }
}
