//! Physical and virtual addresses, frame numbers, page ranges.

use core::fmt;

use abi::boot::DIRECT_MAP_BASE;
use abi::{PAGE_SHIFT, PAGE_SIZE};

/// [`PAGE_SIZE`] for the sizes of slices.
pub(crate) const PAGE_BYTES: usize = PAGE_SIZE as usize;

/// A guest physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PhysAddr(u64);

impl PhysAddr {
    pub(crate) const fn new(address: u64) -> Self {
        Self(address)
    }

    pub(crate) const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn plus(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }

    pub(crate) const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE)
    }

    /// Where the kernel sees it.
    pub(super) const fn in_direct_map(self) -> u64 {
        DIRECT_MAP_BASE + self.0
    }
}

/// Index of a 4 KiB frame of guest physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameNumber(u32);

impl FrameNumber {
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The frame in which the physical address lies.
    pub(crate) const fn containing(address: u64) -> Self {
        Self((address >> PAGE_SHIFT) as u32)
    }

    pub(crate) const fn as_u32(self) -> u32 {
        self.0
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) const fn address(self) -> u64 {
        (self.0 as u64) << PAGE_SHIFT
    }

    pub(crate) const fn plus(self, frames: u32) -> Self {
        Self(self.0 + frames)
    }

    /// `None` past the last number.
    pub(crate) fn checked_plus(self, frames: u32) -> Option<Self> {
        self.0.checked_add(frames).map(Self)
    }
}

/// A virtual address, of a process or of the kernel. May be any number, canonical or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VirtAddr(u64);

impl VirtAddr {
    pub(crate) const fn new(address: u64) -> Self {
        Self(address)
    }

    pub(crate) const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn plus(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }

    pub(crate) const fn minus(self, bytes: u64) -> Self {
        Self(self.0 - bytes)
    }

    /// Start of the page that holds the address.
    pub(crate) const fn page(self) -> Self {
        Self(self.0 & !(PAGE_SIZE - 1))
    }

    pub(crate) const fn page_offset(self) -> u64 {
        self.0 % PAGE_SIZE
    }

    pub(crate) const fn is_page_aligned(self) -> bool {
        self.page_offset() == 0
    }
}

impl fmt::Debug for VirtAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Rounds up to whole pages; `None` if that passes the end of the address space.
pub(crate) const fn round_up_to_page(bytes: u64) -> Option<u64> {
    match bytes.checked_add(PAGE_SIZE - 1) {
        Some(sum) => Some(sum & !(PAGE_SIZE - 1)),
        None => None,
    }
}

/// Whole pages from `start` up to but without `end`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageRange {
    start: VirtAddr,
    end: VirtAddr,
}

impl PageRange {
    /// Both ends are page-aligned and in order; anything else is a fault in the kernel.
    pub(crate) const fn new(start: VirtAddr, end: VirtAddr) -> Self {
        assert!(
            start.is_page_aligned() && end.is_page_aligned(),
            "range must be of whole pages"
        );
        assert!(start.0 <= end.0, "range must not end before it starts");
        Self { start, end }
    }

    /// `None` when the range would pass the end of the address space.
    pub(crate) fn from_length(start: VirtAddr, bytes: u64) -> Option<Self> {
        let end = start.0.checked_add(bytes)?;
        Some(Self::new(start, VirtAddr(end)))
    }

    /// The page at `page`.
    pub(crate) fn single(page: VirtAddr) -> Self {
        Self::new(page, page.plus(PAGE_SIZE))
    }

    pub(crate) const fn start(&self) -> VirtAddr {
        self.start
    }

    pub(crate) const fn end(&self) -> VirtAddr {
        self.end
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.end.0 - self.start.0
    }

    pub(crate) const fn pages(&self) -> u64 {
        self.bytes() >> PAGE_SHIFT
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start.0 == self.end.0
    }

    pub(crate) const fn contains(&self, address: VirtAddr) -> bool {
        self.start.0 <= address.0 && address.0 < self.end.0
    }

    /// Each page.
    pub(crate) fn iter(&self) -> impl Iterator<Item = VirtAddr> + use<> {
        let start = self.start;
        (0..self.pages()).map(move |page| start.plus(page << PAGE_SHIFT))
    }

    pub(crate) fn intersection(&self, other: &Self) -> Option<Self> {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end);
        (start < end).then(|| Self::new(start, end))
    }
}

impl fmt::Debug for PageRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}..{:?}", self.start, self.end)
    }
}
