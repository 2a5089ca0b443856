//! Shared anonymous memory: frames that belong to no process.
//!
//! The object is a radix tree of frames, two levels of 512 slots, which is 1 GiB at most. Its root is a frame too, and the
//! frame table counts who refers to it: each area that maps a part of the object. A slot holds one reference to its frame,
//! so pages live as long as the object, whoever unmaps them.

#![allow(unsafe_code, reason = "frames of slots, and the references that slots hold")]

use abi::PAGE_SIZE;
use abi::frame_table::FRAME_SHARED;

use super::address::{FrameNumber, PAGE_BYTES};
use super::direct_map;
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::user_copy::{copy_from_frame, copy_to_frame};

const SLOTS: usize = PAGE_BYTES / 8;
const MAX_PAGES: u64 = (SLOTS * SLOTS) as u64;
/// Largest object.
pub(crate) const MAX_BYTES: u64 = MAX_PAGES * PAGE_SIZE;
/// A slot is empty, or an address with this bit, so that frame 0 is no special case.
const IN_USE: u64 = 1;

/// One reference to an object.
#[derive(Debug)]
pub(crate) struct SharedObject {
    root: FrameRef,
}

impl SharedObject {
    /// An object of zeros.
    pub(crate) fn new() -> Result<Self, OutOfMemory> {
        Ok(Self {
            root: frames::allocate(FrameKind::Heap, Contents::Zeroed)?,
        })
    }

    /// Copies bytes out that lie in one page. A page that never came into being is one of zeros, and does not by this.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) {
        let (page, in_page) = (offset / PAGE_SIZE, offset % PAGE_SIZE);
        let (upper, lower) = indices(page);
        let frame = slot(self.root.number(), upper).and_then(|leaf| slot(leaf, lower));
        match frame {
            Some(frame) => copy_from_frame(&FrameRef::retain(frame), in_page, into),
            None => into.fill(0),
        }
    }

    /// Copies bytes in that lie in one page.
    pub(crate) fn write(&self, offset: u64, from: &[u8]) -> Result<(), OutOfMemory> {
        let frame = self.frame(offset / PAGE_SIZE)?;
        copy_to_frame(&frame, offset % PAGE_SIZE, from);
        Ok(())
    }

    /// A reference to the frame of a page, which comes into being when it is first asked for.
    pub(super) fn frame(&self, page: u64) -> Result<FrameRef, OutOfMemory> {
        let (upper, lower) = indices(page);
        let root = self.root.number();
        let leaf = match slot(root, upper) {
            Some(leaf) => leaf,
            None => fill(root, upper, FrameKind::Heap)?,
        };
        let frame = match slot(leaf, lower) {
            Some(frame) => frame,
            None => {
                let frame = fill(leaf, lower, FrameKind::Anonymous)?;
                frames::set_private(frame, FRAME_SHARED);
                frame
            }
        };
        Ok(FrameRef::retain(frame))
    }
}

impl Clone for SharedObject {
    fn clone(&self) -> Self {
        Self {
            root: self.root.again(),
        }
    }
}

impl Drop for SharedObject {
    fn drop(&mut self) {
        let root = self.root.number();
        if frames::references(root) > 1 {
            return;
        }
        for leaf in empty_slots(root) {
            for frame in empty_slots(leaf) {
                // SAFETY: `fill` left the reference to the slot, which is empty now, and nobody has the object but this one, which goes.
                unsafe { frames::release(frame, Contents::Stale) };
            }
            // SAFETY: as above; all slots of the leaf are empty.
            unsafe { frames::release(leaf, Contents::Zeroed) };
        }
    }
}

impl PartialEq for SharedObject {
    fn eq(&self, other: &Self) -> bool {
        self.root.number() == other.root.number()
    }
}

impl Eq for SharedObject {}

/// The slots on the way to a page.
fn indices(page: u64) -> (usize, usize) {
    assert!(page < MAX_PAGES, "page {page} is past the end of the object");
    (page as usize / SLOTS, page as usize % SLOTS)
}

fn slot(table: FrameNumber, index: usize) -> Option<FrameNumber> {
    // SAFETY: a root or a leaf, which holds slots alone.
    let word = unsafe { direct_map::load(table, index) };
    (word & IN_USE != 0).then(|| FrameNumber::containing(word & !(PAGE_SIZE - 1)))
}

/// Empties each slot that is filled, and gives what was in it: a table that is known to be zero need not be zeroed for the next who wants
/// zeros. The table's private word in the frame table counts them, so that the search ends with the last one.
fn empty_slots(table: FrameNumber) -> impl Iterator<Item = FrameNumber> {
    let filled = usize::from(frames::add_to_private(table, 0));
    (0..SLOTS)
        .filter_map(move |index| {
            let frame = slot(table, index)?;
            // SAFETY: as in `slot`; nobody has the object but the one that goes.
            unsafe { direct_map::store(table, index, 0) };
            Some(frame)
        })
        .take(filled)
}

fn fill(table: FrameNumber, index: usize, kind: FrameKind) -> Result<FrameNumber, OutOfMemory> {
    let frame = frames::allocate(kind, Contents::Zeroed)?.leave();
    // SAFETY: as in `slot`; the slot is empty, and belongs to the object.
    unsafe { direct_map::store(table, index, frame.address() | IN_USE) };
    frames::add_to_private(table, 1);
    Ok(frame)
}
