//! Shared anonymous memory: frames that belong to no process.
//!
//! The object is a radix tree of frames, two levels of 512 slots. The last word of the root is its length, so it is 2 MiB less than
//! 1 GiB at most. Its root is a frame too, and the frame table counts who refers to it: each area that maps a part of the object,
//! and a file of memory. A slot holds one reference to its frame, so pages live as long as the object, whoever unmaps them.

#![allow(unsafe_code, reason = "frames of slots, and the references that slots hold")]

use abi::PAGE_SIZE;
use abi::frame_table::FRAME_SHARED;

use super::address::{FrameNumber, PAGE_BYTES};
use super::direct_map;
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::user_copy::{copy_from_frame, copy_to_frame};

const SLOTS: usize = PAGE_BYTES / 8;
/// Index of the root's word that is no slot.
const LENGTH: usize = SLOTS - 1;
const MAX_PAGES: u64 = (LENGTH * SLOTS) as u64;
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
    /// An object of so many zeros, at most [`MAX_BYTES`].
    pub(crate) fn new(len_bytes: u64) -> Result<Self, OutOfMemory> {
        let object = Self {
            root: frames::allocate(FrameKind::Heap, Contents::Zeroed)?,
        };
        object.set_len_bytes(len_bytes);
        Ok(object)
    }

    pub(crate) fn len_bytes(&self) -> u64 {
        // SAFETY: a word of the root, which is the length.
        unsafe { direct_map::load(self.root.number(), LENGTH) }
    }

    /// Pages that are there, or come into being when they are first asked for.
    pub(super) fn pages(&self) -> u64 {
        self.len_bytes().div_ceil(PAGE_SIZE)
    }

    /// Makes it that long.
    pub(crate) fn set_len_bytes(&self, len_bytes: u64) {
        assert!(len_bytes <= MAX_BYTES, "{len_bytes} bytes are too many");
        // SAFETY: as in `len_bytes`.
        unsafe { direct_map::store(self.root.number(), LENGTH, len_bytes) };
    }

    /// Copies bytes out that lie in one page. A page that never came into being is one of zeros, and does not by this.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) {
        let (page, in_page) = (offset / PAGE_SIZE, offset % PAGE_SIZE);
        match self.find(page) {
            Some((.., frame)) => copy_from_frame(&FrameRef::retain(frame), in_page, into),
            None => into.fill(0),
        }
    }

    /// Copies bytes in that lie in one page.
    pub(crate) fn write(&self, offset: u64, from: &[u8]) -> Result<(), OutOfMemory> {
        let frame = self.frame(offset / PAGE_SIZE)?;
        copy_to_frame(&frame, offset % PAGE_SIZE, from);
        Ok(())
    }

    /// Whether the page has come into being.
    pub(super) fn has_page(&self, page: u64) -> bool {
        self.find(page).is_some()
    }

    /// Has the page hold zeros, whoever maps it. If nobody does its frame goes.
    pub(super) fn discard(&self, page: u64) {
        let Some((leaf, lower, frame)) = self.find(page) else {
            return;
        };
        if frames::references(frame) > 1 {
            // SAFETY: a frame of programs, in which no Rust value lives.
            unsafe { direct_map::zero(frame) };
            return;
        }
        // SAFETY: as in `slot`.
        unsafe { direct_map::store(leaf, lower, 0) };
        frames::add_to_private(leaf, -1);
        // SAFETY: `fill` left the reference to the slot, which has just been emptied.
        unsafe { frames::release(frame, Contents::Stale) };
    }

    /// The leaf that has a slot for the page, which slot that is, and the frame in it. None if the page never came into being.
    fn find(&self, page: u64) -> Option<(FrameNumber, usize, FrameNumber)> {
        let (upper, lower) = indices(page);
        let leaf = slot(self.root.number(), upper)?;
        Some((leaf, lower, slot(leaf, lower)?))
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
