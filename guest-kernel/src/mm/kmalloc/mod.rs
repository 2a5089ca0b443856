//! The kernel heap: small objects from slabs, large ones from frames in a row.
//!
//! A slab is one frame: a header, then objects of one size. Slabs that have both used and free objects are on a list a size;
//! a full slab is on no list and a slab that becomes empty goes back to the frames at once, so the heap holds nothing that
//! nobody uses.
//!
//! Allocation can fail, and every caller says so: [`try_box`], [`try_rc`], `Vec::try_reserve`.

#![allow(unsafe_code, reason = "memory from frames, linked through itself")]

mod slab;

use alloc::alloc::{Layout, alloc};
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::alloc::GlobalAlloc;
use core::mem::MaybeUninit;
use core::ptr;

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr};
use super::fault_injection;
use super::frames::{self, Contents, FrameKind, OutOfMemory};
use crate::sync::Lock;
use slab::{OBJECT_ALIGNMENT, Slabs};

pub(crate) use slab::LARGEST_OBJECT_BYTES;

/// Moves a value to the heap, or drops it when there is no room.
pub(crate) fn try_box<T>(value: T) -> Result<Box<T>, OutOfMemory> {
    let layout = Layout::new::<T>();
    assert!(layout.size() > 0, "a value without size needs no heap");
    // SAFETY: the layout has a size.
    let memory = unsafe { alloc(layout) }.cast::<T>();
    if memory.is_null() {
        return Err(OutOfMemory);
    }
    // SAFETY: freshly allocated with the layout of a `T`.
    unsafe { memory.write(value) };
    // SAFETY: allocated by the global allocator with the layout of a `T`, and initialised.
    Ok(unsafe { Box::from_raw(memory) })
}

/// Memory for those who will not say how much it was when they give it back; null when there is none. At most
/// [`LARGEST_OBJECT_BYTES`].
pub(crate) fn allocate_object(bytes: usize) -> *mut u8 {
    if fault_injection::fails() {
        return ptr::null_mut();
    }
    HEAP.0.lock().allocate(bytes)
}

/// Gives back what [`allocate_object`] gave.
///
/// # Safety
///
/// `object` must have come from there, and not have been freed since.
pub(crate) unsafe fn free_object(object: *mut u8) {
    assert!(
        frames::is_in_use(frame_of(object), FrameKind::Heap),
        "{object:?} is not of the kernel's heap"
    );
    // SAFETY: the caller vouches for the object.
    unsafe { HEAP.0.lock().free_of_any_size(object) };
}

/// As [`try_box`], for several owners. `Rc::new` ends the kernel when there is no room, so there is room: that for a value and its
/// two counts was had a moment before, and nobody else runs in between.
pub(crate) fn try_rc<T>(value: T) -> Result<Rc<T>, OutOfMemory> {
    drop(try_box(([0_usize; 2], MaybeUninit::<T>::uninit()))?);
    Ok(fault_injection::without(|| Rc::new(value)))
}

#[cfg_attr(target_os = "none", global_allocator)]
#[cfg_attr(
    not(target_os = "none"),
    allow(dead_code, reason = "the host has an allocator of its own")
)]
static HEAP: Heap = Heap(Lock::new(Slabs::new()));

struct Heap(Lock<Slabs<HeapFrames>>);

/// Frames of the kernel's.
struct HeapFrames;

impl slab::Frames for HeapFrames {
    fn take() -> *mut u8 {
        match frames::allocate(FrameKind::Heap, Contents::Stale) {
            Ok(frame) => PhysAddr::new(frame.leave().address()).in_direct_map() as *mut u8,
            Err(OutOfMemory) => ptr::null_mut(),
        }
    }

    unsafe fn give_back(frame: *mut u8) {
        // SAFETY: `take` left the reference to whoever gives the frame back here.
        unsafe { frames::release(frame_of(frame), Contents::Stale) };
    }
}

// SAFETY: memory that is handed out belongs to the caller alone until it comes back: objects of a slab are disjoint and so
// are frames.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if fault_injection::fails() {
            return ptr::null_mut();
        }
        if is_large(layout) {
            return alloc_frames(layout);
        }
        self.0.lock().allocate(layout.size())
    }

    unsafe fn dealloc(&self, object: *mut u8, layout: Layout) {
        if is_large(layout) {
            // SAFETY: the caller gives back what `alloc` gave for the same layout.
            unsafe { free_frames(object, layout) };
            return;
        }
        // SAFETY: the caller gives back what `alloc` gave for the same layout.
        unsafe { self.0.lock().free(object, layout.size()) };
    }
}

fn is_large(layout: Layout) -> bool {
    layout.size() > LARGEST_OBJECT_BYTES || layout.align() > OBJECT_ALIGNMENT
}

fn alloc_frames(layout: Layout) -> *mut u8 {
    if layout.align() > PAGE_BYTES {
        return ptr::null_mut();
    }
    match frames::allocate_contiguous(FrameKind::Heap, frames_in(layout)) {
        Ok(first) => PhysAddr::new(first.address()).in_direct_map() as *mut u8,
        Err(OutOfMemory) => ptr::null_mut(),
    }
}

/// # Safety
///
/// [`alloc_frames`] must have given the object for the same layout, and nobody may have freed it.
unsafe fn free_frames(object: *mut u8, layout: Layout) {
    let first = frame_of(object);
    for index in 0..frames_in(layout) {
        // SAFETY: a reference to each frame of the row was left to the object's owner, who gives it back.
        unsafe { frames::release(first.plus(index), Contents::Stale) };
    }
}

fn frames_in(layout: Layout) -> u32 {
    layout.size().div_ceil(PAGE_BYTES) as u32
}

fn frame_of(object: *const u8) -> FrameNumber {
    FrameNumber::containing(object as u64 - PhysAddr::new(0).in_direct_map())
}
