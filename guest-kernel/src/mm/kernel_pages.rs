//! Frames of the kernel's that are written word by word, and that programs may see.

#![allow(unsafe_code, reason = "frames in a row, one by one")]

use alloc::vec::Vec;

use super::address::PAGE_BYTES;
use super::direct_map;
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};

const WORDS_IN_FRAME: usize = PAGE_BYTES / 8;

/// Frames, each with one reference, and all zero at the start.
#[derive(Debug)]
pub(crate) struct KernelPages(Vec<FrameRef>);

impl KernelPages {
    pub(crate) fn new(kind: FrameKind, count: usize) -> Result<Self, OutOfMemory> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        for _ in 0..count {
            pages.push(frames::allocate(kind, Contents::Zeroed)?);
        }
        Ok(Self(pages))
    }

    /// As [`Self::new`], one behind the other in physical memory.
    pub(crate) fn in_a_row(kind: FrameKind, count: usize) -> Result<Self, OutOfMemory> {
        let mut pages = Vec::new();
        pages.try_reserve_exact(count).map_err(|_| OutOfMemory)?;
        let first = frames::allocate_contiguous(kind, count as u32)?;
        for index in 0..count as u32 {
            // SAFETY: the row has just been taken, and holds nothing yet.
            unsafe { direct_map::zero(first.plus(index)) };
            // SAFETY: one reference to each frame of the row was left to the caller, which is here.
            pages.push(unsafe { FrameRef::adopt(first.plus(index)) });
        }
        Ok(Self(pages))
    }

    pub(crate) fn frames(&self) -> &[FrameRef] {
        &self.0
    }

    /// The word of that number, counted from the first frame's first.
    pub(crate) fn load(&self, word: usize) -> u64 {
        let frame = self.0[word / WORDS_IN_FRAME].number();
        // SAFETY: one of these frames, which hold words alone.
        unsafe { direct_map::load(frame, word % WORDS_IN_FRAME) }
    }

    /// Replaces it.
    pub(crate) fn store(&mut self, word: usize, value: u64) {
        let frame = self.0[word / WORDS_IN_FRAME].number();
        // SAFETY: as in `load`, and nobody else writes to them.
        unsafe { direct_map::store(frame, word % WORDS_IN_FRAME, value) };
    }
}
