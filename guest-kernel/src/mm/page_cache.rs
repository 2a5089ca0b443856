//! The page cache: what the loader left in memory for good, as bytes that are read by copying.
//!
//! Programs map these frames, and one that gets past its protection stores to them. So there is no reference to such bytes that
//! lasts: whoever reads them has a copy, and decides by that.

#![allow(
    unsafe_code,
    reason = "cached bytes as a slice, for as long as somebody searches them"
)]

use core::ops::Range;

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr};
use super::direct_map;

/// Bytes of the page cache.
///
/// **Invariant:** all of them lie in frames of [`super::FrameKind::PageCache`], which are never given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CachedBytes {
    start: PhysAddr,
    len: usize,
}

impl CachedBytes {
    /// Of physical addresses whose frames the frame table has as page cache.
    pub(super) fn new(addresses: Range<u64>) -> Self {
        Self {
            start: PhysAddr::new(addresses.start),
            len: (addresses.end - addresses.start) as usize,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Where the first byte lies.
    pub(crate) fn address(&self) -> PhysAddr {
        self.start
    }

    /// Some of them.
    pub(crate) fn part(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.len,
            "{range:?} is no part of {} bytes",
            self.len
        );
        Self {
            start: self.start.plus(range.start as u64),
            len: range.end - range.start,
        }
    }

    /// Copies out what there is from an offset on, at most as much as there is room for, and gives the number of bytes.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let len = (self.len as u64).saturating_sub(offset).min(into.len() as u64) as usize;
        let mut rest = &mut into[..len];
        let mut at = self.start.plus(if len == 0 { 0 } else { offset });
        while !rest.is_empty() {
            let (frame, in_frame) = place(at);
            let (now, later) = rest.split_at_mut(rest.len().min(PAGE_BYTES - in_frame));
            // SAFETY: a frame of the page cache, which holds what the loader left.
            unsafe { direct_map::read(frame, in_frame, now) };
            at = at.plus(now.len() as u64);
            rest = later;
        }
        len
    }

    /// The frame in which an offset lies, and where in it.
    pub(super) fn place_of(&self, offset: u64) -> (FrameNumber, usize) {
        assert!(
            offset < self.len as u64,
            "{offset} is past the end of {} bytes",
            self.len
        );
        place(self.start.plus(offset))
    }

    /// The bytes as they lie there.
    ///
    /// # Safety
    ///
    /// Nobody may store to them while the slice is in use: no program runs, and nothing is copied to one.
    pub(crate) unsafe fn as_slice<'a>(&self) -> &'a [u8] {
        // SAFETY: the bytes are mapped for good, and the caller keeps everybody from storing to them.
        unsafe { direct_map::boot_bytes(self.start, self.len) }
    }
}

fn place(at: PhysAddr) -> (FrameNumber, usize) {
    let address = at.as_u64();
    (
        FrameNumber::containing(address),
        (address % PAGE_BYTES as u64) as usize,
    )
}
