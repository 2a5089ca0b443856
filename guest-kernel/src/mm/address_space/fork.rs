//! fork: a second address space that sees the same.
//!
//! Private pages keep one frame for both, read-only; whoever stores first gets a copy (`cow`). Shared pages stay as they
//! are. A page on the disk is in one slot for both. Only what is there is passed on; the rest comes by faults on either side.

use super::super::frames::{FrameRef, OutOfMemory};
use super::super::page_table::PageTable;
use super::super::swap;
use super::unmap::release;
use super::{AddressSpace, Backing, Growth, Vma};
use crate::arch;
use crate::mutant::{self, Mutant};

impl AddressSpace {
    /// The child's. When memory runs out the parent sees what it saw before: pages that became read-only by then are made
    /// writable by its next store, because they have one owner again.
    pub(crate) fn fork(&mut self) -> Result<Self, OutOfMemory> {
        let mut child = Self {
            page_table: PageTable::new()?,
            areas: self.areas.try_clone()?,
            heap: self.heap,
        };
        let mut result = Ok(());
        for area in self.areas.iter() {
            result = share_pages(&mut self.page_table, &mut child.page_table, area);
            if result.is_err() {
                break;
            }
        }
        if !mutant::is(Mutant::CowStaleTlb) {
            arch::flush_all();
        }
        result.map(|()| child)
    }
}

fn share_pages(parent: &mut PageTable, child: &mut PageTable, area: &Vma) -> Result<(), OutOfMemory> {
    let private = is_private(&area.backing);
    parent.try_update_unflushed(area.range, |page, entry| {
        let shared = if private { entry.read_only() } else { entry };
        match shared.slot() {
            Some(slot) => swap::retain(slot),
            None if shared.has_frame() && !forgets_reference(area) => {
                FrameRef::retain(shared.frame()).leave();
            }
            None => {}
        }
        child
            .install(page, shared)
            .inspect_err(|OutOfMemory| release(shared))?;
        Ok(if keeps_writable(area) { entry } else { shared })
    })
}

fn is_private(backing: &Backing) -> bool {
    backing.is_private()
        || matches!(backing, Backing::Shared { .. }) && mutant::is(Mutant::SharedCopiedOnFork)
}

fn keeps_writable(area: &Vma) -> bool {
    mutant::is(Mutant::ForkKeepsParentWritable) && is_plain_memory(area)
}

fn forgets_reference(area: &Vma) -> bool {
    mutant::is(Mutant::ForkForgetsReference) && is_plain_memory(area)
}

/// Memory that a program asked for: a fault here leaves the program itself able to run.
fn is_plain_memory(area: &Vma) -> bool {
    area.backing == Backing::Anonymous && area.growth == Growth::Fixed
}
