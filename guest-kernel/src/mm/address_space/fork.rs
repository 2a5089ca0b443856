//! fork: a second address space that sees the same.
//!
//! Private pages keep one frame for both, read-only; whoever stores first gets a copy (`cow`). Shared pages stay as they
//! are, and what the kernel has lent stays the parent's alone. A page on the disk is in one slot for both. Only what is there is
//! passed on; the rest comes by faults on either side, and so do all pages that a driver gives when they are asked for and that
//! both share: the driver is asked again.
//!
//! Nobody serves the child's faults, and none of its pages is guarded: see `user_fault`.
//!
//! With `fork=copy` on the command line private frames are duplicated at once instead. Pages of a file or a driver that nobody
//! has written to have one frame in either case: it is theirs. So has a page on the disk, until one of them touches it.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use core::sync::atomic::{AtomicBool, Ordering};

use super::super::frames::{self, FrameRef, OutOfMemory};
use super::super::page_table::PageTable;
use super::super::swap;
use super::unmap::release;
use super::{AddressSpace, AreaFlags, Backing, SpaceId, Vma, cow};
use crate::arch;
use crate::mutant::{self, Mutant};

static COPIES: AtomicBool = AtomicBool::new(false);

/// From now on fork duplicates memory.
pub(crate) fn copy_on_fork() {
    COPIES.store(true, Ordering::Relaxed);
}

impl AddressSpace {
    /// The child's. When memory runs out the parent sees what it saw before: pages that became read-only by then are made
    /// writable by its next store, because they have one owner again.
    pub(crate) fn fork(&mut self) -> Result<Self, OutOfMemory> {
        let mut child = Self {
            id: SpaceId::next(),
            page_table: PageTable::new()?,
            areas: self.areas.try_inherit()?,
            heap: if mutant::is(Mutant::ForkForgetsBreak) {
                self.heap.emptied()
            } else {
                self.heap
            },
            future: AreaFlags::default(),
            executable: self.executable,
        };
        let mut result = Ok(());
        for area in self
            .areas
            .iter()
            .filter(|area| area.passes_pages_on() && !is_dropped(area))
        {
            result = share_pages(&mut self.page_table, &mut child.page_table, area);
            if result.is_err() {
                break;
            }
        }
        if mutant::is(Mutant::ForkSharesTable)
            && let Some(area) = self.areas.iter().find(|area| area.is_plain_memory())
        {
            child.page_table.share_table(&self.page_table, area.range.start());
        }
        if !mutant::is(Mutant::CowStaleTlb) {
            arch::flush_all();
        }
        result.map(|()| child)
    }
}

fn share_pages(parent: &mut PageTable, child: &mut PageTable, area: &Vma) -> Result<(), OutOfMemory> {
    let private = is_private(&area.backing);
    let copies = private && COPIES.load(Ordering::Relaxed);
    let mut child = child.installer();
    parent.try_update_unflushed(area.range, |page, entry| {
        if copies && entry.has_frame() && frames::is_programs(entry.frame()) {
            // SAFETY: a frame of kind Anonymous, which is the parent's.
            let copy = unsafe { cow::copy_of(entry.frame())? };
            child.install(page, entry.inherited().with_frame(copy.number()))?;
            copy.leave();
            return Ok(entry);
        }
        let shared = if private && !mutant::is(Mutant::ForkProtectsNothing) {
            entry.read_only()
        } else {
            entry
        };
        match shared.slot() {
            Some(slot) => swap::retain(slot),
            None if shared.has_frame() && !forgets_reference(area) => {
                FrameRef::retain(shared.frame()).leave();
            }
            None => {}
        }
        let childs = if mutant::is(Mutant::UffdGuardInherited) {
            shared
        } else {
            shared.inherited()
        };
        child.install(page, childs).inspect_err(|OutOfMemory| {
            // SAFETY: the reference was taken above for an entry that did not come to be.
            unsafe { release(childs) };
        })?;
        Ok(if keeps_writable(area) {
            entry
        } else if mutant::is(Mutant::UffdGuardLostAtFork) {
            shared.unguarded()
        } else {
            shared
        })
    })
}

fn is_private(backing: &Backing) -> bool {
    backing.is_private()
        || matches!(backing, Backing::Object { .. }) && mutant::is(Mutant::SharedCopiedOnFork)
}

fn keeps_writable(area: &Vma) -> bool {
    mutant::is(Mutant::ForkKeepsParentWritable) && area.is_plain_memory()
        || mutant::is(Mutant::ForkKeepsFilePagesWritable) && matches!(area.backing, Backing::File { .. })
}

fn is_dropped(area: &Vma) -> bool {
    mutant::is(Mutant::ForkDropsHiddenPages) && area.protection.is_none()
}

fn forgets_reference(area: &Vma) -> bool {
    mutant::is(Mutant::ForkTakesNoReference)
        || mutant::is(Mutant::ForkForgetsReference) && area.is_plain_memory()
}
