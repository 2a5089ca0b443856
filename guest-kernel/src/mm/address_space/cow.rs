//! Copy-on-write: a store to a page that is mapped read-only though its area may be written.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use super::super::address::{FrameNumber, VirtAddr};
use super::super::direct_map;
use super::super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::super::page_table::Entry;
use super::unmap::release;
use super::{AddressSpace, FaultError};
use crate::arch;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

impl AddressSpace {
    /// Makes a mapped page writable: its frame if nobody else has it or all share it on purpose, else a copy.
    pub(super) fn make_writable(&mut self, page: VirtAddr, entry: Entry) -> Result<(), FaultError> {
        let area = self.area_at(page).ok_or(FaultError::Forbidden)?;
        let protection = area.protection;
        let alone = if mutant::is(Mutant::CowNeedsThreeReferences) {
            2
        } else {
            1
        };
        let must_copy = area.backing.is_private()
            && (frames::references(entry.frame()) > alone || mutant::is(Mutant::LastOwnerCopies));
        if must_copy {
            // Held, so that the frame is not what goes to the disk to make room for the copy.
            let original = FrameRef::retain(entry.frame());
            let wrong = mutant::is(Mutant::CowCopiesWrongFrame) && area.is_plain_memory();
            let source = if wrong {
                original.number().plus(1)
            } else {
                original.number()
            };
            // SAFETY: the frame is the program's. That it is another one is a fault that is committed on purpose.
            let copy = unsafe { copy_of(source)? };
            self.page_table.replace(
                page,
                Entry::user(copy.leave(), protection).dirtied().locked_like(entry),
            );
            if !mutant::is(Mutant::CowForgetsReference) {
                // SAFETY: the copy's entry has just replaced it.
                unsafe { release(entry) };
            }
        } else {
            self.page_table
                .replace(page, entry.with_writable(protection).dirtied());
        }
        arch::flush_page(page);
        if !mutant::is(Mutant::ShadowCowUntracked) {
            shadowpt::page_copied(&self.page_table, page);
        }
        Ok(())
    }
}

/// A frame of the process's own with the same contents.
///
/// # Safety
///
/// The frame is a program's: no Rust value lives in it.
pub(super) unsafe fn copy_of(original: FrameNumber) -> Result<FrameRef, OutOfMemory> {
    let copy = frames::allocate(FrameKind::Anonymous, Contents::Stale)?;
    // SAFETY: by the caller's promise, and the copy is nobody else's yet.
    unsafe { direct_map::copy(original, copy.number()) };
    Ok(copy)
}
