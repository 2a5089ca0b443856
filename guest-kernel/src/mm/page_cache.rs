//! The page cache: what the loader left in memory for good, as bytes that are read by copying.
//!
//! Programs map these frames, and one that gets past its protection stores to them. So there is no reference to such bytes that
//! lasts: whoever reads them has a copy, and decides by that.

#![allow(
    unsafe_code,
    reason = "cached bytes as a slice, for as long as somebody searches them"
)]

use core::ops::Range;

use abi::PAGE_SIZE;

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr};
use super::direct_map;
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use crate::mutant::{self, Mutant};

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

/// A file of the page cache that starts a page, so that programs can map it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CachedFile {
    first: FrameNumber,
    /// The page cache lies in memory, of which there is less than 4 GiB.
    len_bytes: u32,
}

/// What there is at a page of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CachedPage {
    /// A frame, all of which is the file's.
    Whole(FrameNumber),
    /// The end of the file. What follows in the frame is not its.
    Last(LastPage),
    /// Nothing: the file has ended before.
    Behind,
}

/// A page that holds the end of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LastPage {
    frame: FrameNumber,
    bytes: usize,
}

impl CachedFile {
    /// None for a file that starts inside a page.
    pub(crate) fn of(contents: CachedBytes) -> Option<Self> {
        contents.start.is_page_aligned().then(|| Self {
            first: FrameNumber::containing(contents.start.as_u64()),
            len_bytes: contents.len as u32,
        })
    }

    /// Where the first byte lies.
    pub(crate) fn address(self) -> PhysAddr {
        PhysAddr::new(self.first.address())
    }

    /// Looks for one of its pages, counted from the first.
    pub(super) fn page(self, page: u64) -> CachedPage {
        let frame = || self.first.plus(page as u32);
        match u64::from(self.len_bytes).saturating_sub(page * PAGE_SIZE) {
            0 => CachedPage::Behind,
            bytes if bytes < PAGE_SIZE => CachedPage::Last(LastPage {
                frame: frame(),
                bytes: bytes as usize,
            }),
            _ => CachedPage::Whole(frame()),
        }
    }
}

impl LastPage {
    /// A frame with the same bytes, and zeros behind them.
    pub(super) fn copy(self) -> Result<FrameRef, OutOfMemory> {
        let copy = frames::allocate(FrameKind::Anonymous, Contents::Zeroed)?;
        let bytes = if mutant::is(Mutant::FileTailNotZero) {
            PAGE_BYTES
        } else {
            self.bytes
        };
        // SAFETY: a frame of the page cache, which holds what the loader left, and one that nobody else knows of.
        unsafe { direct_map::copy_part(self.frame, 0, copy.number(), 0, bytes) };
        Ok(copy)
    }
}

fn place(at: PhysAddr) -> (FrameNumber, usize) {
    let address = at.as_u64();
    (
        FrameNumber::containing(address),
        (address % PAGE_BYTES as u64) as usize,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_whole_pages_then_its_end_and_then_nothing() {
        let pages = |len_bytes| {
            let first = FrameNumber::new(7);
            let file = CachedFile { first, len_bytes };
            [0, 1, 2, 1 << 40].map(|page| file.page(page))
        };
        let whole = |frame| CachedPage::Whole(FrameNumber::new(frame));
        let last = |frame, bytes| {
            let frame = FrameNumber::new(frame);
            CachedPage::Last(LastPage { frame, bytes })
        };
        let behind = CachedPage::Behind;
        assert_eq!(pages(0), [behind; 4]);
        assert_eq!(pages(1), [last(7, 1), behind, behind, behind]);
        assert_eq!(pages(4096), [whole(7), behind, behind, behind]);
        assert_eq!(pages(8191), [whole(7), last(8, 4095), behind, behind]);
    }
}
