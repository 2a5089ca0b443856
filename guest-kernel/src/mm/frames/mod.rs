//! Frames of guest physical memory: allocation and reference counts.
//!
//! A [`FrameRef`] is one reference and gives it back when dropped, so a path that fails leaves nothing behind. A page-table
//! entry that maps a frame holds a reference too: [`FrameRef::leave`] puts it there and [`FrameRef::adopt`] takes it out again.

mod allocator;
mod usable;

use abi::frame_table::{self as kinds, FrameInfo};

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr};
use super::{direct_map, fault_injection, swap};
use crate::mutant::{self, Mutant};
use crate::sync::Lock;

pub(crate) use allocator::Contents;
use allocator::FrameAllocator;
pub(crate) use usable::UsableMemory;

/// There is no free frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// What a frame is used for, as the frame table says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum FrameKind {
    Reserved = kinds::RESERVED,
    KernelImage = kinds::KERNEL_IMAGE,
    PageTable = kinds::PAGE_TABLE,
    Heap = kinds::HEAP,
    KernelStack = kinds::KERNEL_STACK,
    Anonymous = kinds::ANONYMOUS,
    PageCache = kinds::PAGE_CACHE,
    ShadowTable = kinds::SHADOW_TABLE,
    ModulePages = kinds::MODULE_PAGES,
    Vmalloc = kinds::VMALLOC,
}

/// What is known about memory that the kernel has not used yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FreshMemory {
    /// The loader guarantees zeros.
    Zeroed,
    /// Firmware ran here before.
    Unknown,
}

static FRAMES: Lock<Option<FrameAllocator<'static>>> = Lock::new(None);

/// Runs `f` with the allocator; before [`init`] there is none, and nobody needs frames.
fn with<R>(f: impl FnOnce(&mut FrameAllocator<'static>) -> R) -> R {
    f(FRAMES
        .lock()
        .as_mut()
        .expect("frames are set up before anything asks for one"))
}

/// Sets up the frame table in usable memory. `image` and `initrd` are byte ranges.
#[allow(unsafe_code, reason = "the frame table comes into being here")]
pub(super) fn init(
    mut usable: UsableMemory,
    fresh: FreshMemory,
    image: core::ops::Range<u64>,
    initrd: core::ops::Range<u64>,
) {
    let frames = usable.frames_to_end();
    let table_frames = (frames * size_of::<FrameInfo>()).div_ceil(PAGE_BYTES) as u32;
    let first = usable
        .take(table_frames)
        .expect("the frame table is a small part of the memory it describes");
    let contents = match fresh {
        FreshMemory::Zeroed => Contents::Zeroed,
        FreshMemory::Unknown => Contents::Stale,
    };
    if contents == Contents::Stale {
        // SAFETY: the memory was taken from what nobody uses.
        (0..table_frames).for_each(|index| unsafe { direct_map::zero(first.plus(index)) });
    }
    // SAFETY: the memory was taken from what nobody uses, is zero, and `init` runs once.
    let table = unsafe { direct_map::frame_table(PhysAddr::new(first.address()), frames) };
    let table_start = first.address();
    let table_end = table_start + u64::from(table_frames) * PAGE_BYTES as u64;
    let others = [
        (image.start, image.end, FrameKind::KernelImage),
        (initrd.start, initrd.end, FrameKind::PageCache),
        (table_start, table_end, FrameKind::KernelImage),
    ];
    let others = others.map(|(start, end, kind)| (usable::FrameRange::touching(start, end), kind));
    *FRAMES.lock() = Some(FrameAllocator::new(table, usable, contents, &others));
}

/// Physical address and number of entries of the frame table.
pub(crate) fn table_location() -> (PhysAddr, usize) {
    with(|frames| (direct_map::physical_address_of(frames.table()), frames.frames()))
}

/// Frames of memory in all, free or not.
pub(crate) fn total() -> u64 {
    with(|frames| frames.frames() as u64)
}

/// Frames that are free.
pub(crate) fn free() -> u32 {
    with(|frames| frames.free_frames())
}

/// Takes a free frame. When there is none, a page of a program goes to the disk for it, if there is one: see [`swap`].
#[allow(unsafe_code, reason = "a frame that has just been taken")]
pub(crate) fn allocate(kind: FrameKind, contents: Contents) -> Result<FrameRef, OutOfMemory> {
    // What the heap wants a frame for has been counted there.
    if kind != FrameKind::Heap && fault_injection::fails() {
        return Err(OutOfMemory);
    }
    let (frame, found) = loop {
        match with(|frames| frames.take(kind, contents)) {
            Ok(taken) => break taken,
            Err(OutOfMemory) => swap::page_out()?,
        }
    };
    let dirty = contents == Contents::Zeroed && found == Contents::Stale;
    if dirty && !mutant::is(Mutant::DemandZeroDirty) {
        // SAFETY: the frame was free, and is the caller's from now on.
        unsafe { direct_map::zero(frame) };
    }
    Ok(FrameRef(frame))
}

/// Takes frames in a row, of unknown contents, and leaves one reference to each to the caller.
pub(super) fn allocate_contiguous(kind: FrameKind, count: u32) -> Result<FrameNumber, OutOfMemory> {
    with(|frames| frames.take_contiguous(kind, count))
}

/// Gives back a reference that was left; `left` is what the frame holds should it have been the last.
///
/// # Safety
///
/// As for [`FrameRef::adopt`]. A frame that is left with zeros holds nothing else.
#[allow(unsafe_code, reason = "a reference out of nothing")]
pub(super) unsafe fn release(frame: FrameNumber, left: Contents) {
    with(|frames| frames.release(frame, left));
}

/// Number of references to the frame.
pub(super) fn references(frame: FrameNumber) -> u32 {
    with(|frames| frames.info(frame).references)
}

/// Whether the frame is a driver's, and so may be mapped for programs. It may be any number.
pub(super) fn is_drivers(frame: FrameNumber) -> bool {
    is_in_use(frame, FrameKind::ModulePages)
}

/// Whether the frame is programs' own: neither a file's nor a driver's.
pub(super) fn is_programs(frame: FrameNumber) -> bool {
    kind(frame) == FrameKind::Anonymous as u16
}

/// What the frame is used for, one of [`FrameKind`].
pub(super) fn kind(frame: FrameNumber) -> u16 {
    with(|frames| frames.info(frame).kind)
}

/// Whether somebody has the frame, and for that use. It may be any number.
pub(super) fn is_in_use(frame: FrameNumber, kind: FrameKind) -> bool {
    with(|frames| {
        let is_memory = frame.index() < frames.frames();
        is_memory && {
            let info = frames.info(frame);
            info.references > 0 && info.kind == kind as u16
        }
    })
}

/// The number that the owner of a frame keeps in the table.
pub(super) fn private(frame: FrameNumber) -> u16 {
    with(|frames| frames.info(frame).private)
}

/// Replaces that number.
pub(super) fn set_private(frame: FrameNumber, private: u16) {
    with(|frames| *frames.private_mut(frame) = private);
}

/// Adds to the number that the owner of a frame keeps in the table, and gives the sum.
pub(super) fn add_to_private(frame: FrameNumber, change: i16) -> u16 {
    with(|frames| {
        let private = frames.private_mut(frame);
        *private = private.wrapping_add_signed(change);
        *private
    })
}

/// One reference to a frame.
///
/// **Invariant:** whoever puts Rust values into a frame leaves its reference first: so none live in a frame for which somebody has a
/// `FrameRef`.
#[derive(Debug)]
pub(crate) struct FrameRef(FrameNumber);

impl FrameRef {
    /// A further reference to a frame that has one already.
    pub(super) fn retain(frame: FrameNumber) -> Self {
        with(|frames| frames.retain(frame));
        Self(frame)
    }

    /// Takes over the reference that a page-table entry, or another place that cannot be dropped, held.
    ///
    /// # Safety
    ///
    /// The reference must have been left, and be taken over by nobody else: a frame that loses more references than it has is
    /// handed out while somebody still has it.
    #[allow(unsafe_code, reason = "a reference out of nothing")]
    pub(super) unsafe fn adopt(frame: FrameNumber) -> Self {
        Self(frame)
    }

    /// Leaves the reference to a page-table entry, or to another place that cannot be dropped.
    pub(super) fn leave(self) -> FrameNumber {
        core::mem::ManuallyDrop::new(self).0
    }

    /// One more reference to the same frame.
    pub(crate) fn again(&self) -> Self {
        Self::retain(self.0)
    }

    pub(crate) fn number(&self) -> FrameNumber {
        self.0
    }
}

impl Drop for FrameRef {
    fn drop(&mut self) {
        with(|frames| frames.release(self.0, Contents::Stale));
    }
}
