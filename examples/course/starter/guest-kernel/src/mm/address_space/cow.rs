//! Copy-on-write: a store to a page that is mapped read-only though its area may be written.

use super::super::address::{FrameNumber, VirtAddr};
use super::super::direct_map;
use super::super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::super::page_table::Entry;
use super::{AddressSpace, FaultError};

impl AddressSpace {
    /// Makes a mapped page writable: its frame if nobody else has it or all share it on purpose, else a copy.
    pub(super) fn make_writable(&mut self, _page: VirtAddr, _entry: Entry) -> Result<(), FaultError> {
        // To be written. Until then a store to a page that is shared ends the process.
        Err(FaultError::Forbidden)
    }
}

/// A frame of the process's own with the same contents.
pub(super) fn copy_of(original: FrameNumber) -> Result<FrameRef, OutOfMemory> {
    let copy = frames::allocate(FrameKind::Anonymous, Contents::Stale)?;
    direct_map::copy(original, copy.number());
    Ok(copy)
}
