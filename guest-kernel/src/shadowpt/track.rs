//! The entries follow the target.
//!
//! Whoever changes areas or page-table entries tells so here, afterwards. Most of the time nobody is watched, and that is one
//! comparison.

use core::ops::ControlFlow;
use core::sync::atomic::{AtomicU32, Ordering};

use super::table::Area;
use super::{SHADOW, Shadow, Slot, Tracking};
use crate::mm::{AddressSpace, Backing, PageRange, PageTable, VirtAddr};
use crate::mutant::{self, Mutant};
use crate::process::{Pid, Process};

/// Frame of the top page table whose changes are followed.
static FOLLOWED: AtomicU32 = AtomicU32::new(NOBODY);
const NOBODY: u32 = u32::MAX;

/// Areas of the range came, went or became others.
pub(crate) fn areas_changed(space: &AddressSpace, range: PageRange) {
    with_followed(space.page_table(), range, |shadow, part| {
        shadow.note_areas(space, part);
    });
}

/// Page-table entries of the range came, went or became others.
pub(crate) fn pages_changed(page_table: &PageTable, range: PageRange) {
    with_followed(page_table, range, |shadow, part| {
        shadow.note_pages(page_table, part);
    });
}

/// Page-table entries of the range allow something else.
pub(crate) fn protection_changed(page_table: &PageTable, range: PageRange) {
    with_followed(page_table, range, |shadow, part| {
        if mutant::is(Mutant::ShadowMprotectUnmaps) {
            shadow.entries.set_unmapped(part);
        } else {
            shadow.note_pages(page_table, part);
        }
    });
}

/// A store has brought the page another frame.
pub(crate) fn page_copied(page_table: &PageTable, page: VirtAddr) {
    if mutant::is(Mutant::ShadowCowOfOthersTracked) {
        if let Slot::Open(shadow) = &mut *SHADOW.lock()
            && let Some(part) = shadow.pages.intersection(&PageRange::single(page))
        {
            shadow.note_pages(page_table, part);
        }
        return;
    }
    pages_changed(page_table, PageRange::single(page));
}

/// The process is about to give its memory back. An inspector's table goes with it; of a target nothing is left.
pub(crate) fn process_ends(pid: Pid) {
    let slot = &mut *SHADOW.lock();
    match slot {
        Slot::Open(shadow) if shadow.inspector == pid => {
            if !mutant::is(Mutant::ShadowInspectorDeathIgnored) {
                follow(None);
                *slot = Slot::Free;
            }
        }
        Slot::Open(shadow) if shadow.target == Some(pid) => {
            shadow.target = None;
            follow(None);
            if shadow.tracking == Tracking::Started && !mutant::is(Mutant::ShadowExitKeepsEntries) {
                shadow.entries.reset(shadow.pages);
            }
        }
        Slot::Free | Slot::Taken | Slot::Open(_) => {}
    }
}

/// The process has another program, and the memory of the old one is gone.
pub(crate) fn program_replaced(process: &mut Process) {
    let pid = process.pid();
    let slot = &mut *SHADOW.lock();
    match slot {
        Slot::Open(shadow) if shadow.inspector == pid => {
            follow(None);
            *slot = Slot::Free;
        }
        Slot::Open(shadow) if shadow.target == Some(pid) && shadow.tracking == Tracking::Started => {
            if !mutant::is(Mutant::ShadowExecveUntracked) {
                shadow.fill(process.address_space());
            }
        }
        Slot::Free | Slot::Taken | Slot::Open(_) => {}
    }
}

impl Shadow {
    /// The entries as the target's memory is now, and from now on.
    pub(super) fn fill(&mut self, target: &AddressSpace) {
        self.entries.reset(self.pages);
        self.note_areas(target, self.pages);
        self.note_mapped(target.page_table(), self.pages);
        follow(Some(target.page_table()));
    }

    fn note_areas(&mut self, space: &AddressSpace, range: PageRange) {
        self.entries.set_area(range, Area::None);
        for (part, backing) in space.areas_in(range) {
            let anonymous = match backing {
                Backing::File { .. } if mutant::is(Mutant::ShadowFileAnonymous) => true,
                Backing::Anonymous => true,
                Backing::File { .. }
                | Backing::Object { .. }
                | Backing::Device { .. }
                | Backing::Lent
                | Backing::Driver { .. } => false,
            };
            let area = if anonymous { Area::Anonymous } else { Area::Other };
            self.entries.set_area(part, area);
        }
    }

    fn note_pages(&mut self, page_table: &PageTable, range: PageRange) {
        self.entries.set_unmapped(range);
        self.note_mapped(page_table, range);
    }

    fn note_mapped(&mut self, page_table: &PageTable, range: PageRange) {
        page_table.for_each_mapped(range, |page, frame| {
            self.entries.set_mapped(page, frame);
            ControlFlow::<()>::Continue(())
        });
    }
}

/// From now on the changes of this page table are told, and of no other.
pub(super) fn follow(page_table: Option<&PageTable>) {
    let root = page_table.map_or(NOBODY, |page_table| page_table.root().as_u32());
    FOLLOWED.store(root, Ordering::Relaxed);
}

fn with_followed(page_table: &PageTable, range: PageRange, f: impl FnOnce(&mut Shadow, PageRange)) {
    if FOLLOWED.load(Ordering::Relaxed) != page_table.root().as_u32() {
        return;
    }
    if let Slot::Open(shadow) = &mut *SHADOW.lock()
        && let Some(part) = shadow.pages.intersection(&range)
    {
        f(shadow, part);
    }
}
