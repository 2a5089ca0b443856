//! All page tables of programs, for those who must find every entry that maps a frame.
//!
//! **Invariant:** a top page table has a place from before its first entry until after its last. A table whose process is
//! still being made, or is gone already, counts like any other.

#![allow(unsafe_code, reason = "tables by their frames")]

use core::mem::ManuallyDrop;

use super::super::address::FrameNumber;
use super::super::frames::OutOfMemory;
use super::super::kernel_stack::MAX_STACKS;
use super::{PageTable, Table};
use crate::sync::Lock;

/// A process has a kernel stack, and an address space may be in the making.
const MAX_SPACES: usize = MAX_STACKS + 1;

static ROOTS: Lock<Roots> = Lock::new(Roots {
    places: [None; MAX_SPACES],
    end: 0,
});

struct Roots {
    places: [Option<FrameNumber>; MAX_SPACES],
    /// No place from here on was ever in use.
    end: usize,
}

/// Number of places, in use or not.
pub(in crate::mm) fn places() -> usize {
    ROOTS.lock().end
}

/// The page table at a place. It is only looked at and changed, never dropped: its owner does that.
pub(in crate::mm) fn at(place: usize) -> Option<ManuallyDrop<PageTable>> {
    let root = ROOTS.lock().places[place]?;
    Some(ManuallyDrop::new(PageTable {
        // SAFETY: a root has a place for as long as it is a table.
        root: unsafe { Table::at(root) },
    }))
}

/// Where a page table is among the places.
pub(in crate::mm) fn place_of(root: FrameNumber) -> usize {
    let place = ROOTS.lock().places.iter().position(|other| *other == Some(root));
    place.expect("every top page table has a place")
}

pub(super) fn add(root: FrameNumber) -> Result<(), OutOfMemory> {
    let mut roots = ROOTS.lock();
    let place = roots.places.iter().position(Option::is_none).ok_or(OutOfMemory)?;
    roots.places[place] = Some(root);
    roots.end = roots.end.max(place + 1);
    Ok(())
}

pub(super) fn remove(root: FrameNumber) {
    let place = place_of(root);
    ROOTS.lock().places[place] = None;
}
