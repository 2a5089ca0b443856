//! Slabs: frames cut into objects of one size.

use core::mem;
use core::ptr;

use super::super::address::{PAGE_BYTES, PhysAddr};
use super::super::frames::{self, Contents, FrameKind};
use super::frame_of;

/// Sizes of objects in bytes: what fits 1, 2, 3, 4 times and so on behind a header.
const OBJECT_BYTES: [u16; 8] = [32, 64, 128, 256, 512, 1008, 1344, 2016];
/// Bytes of the largest object.
pub(crate) const LARGEST_OBJECT_BYTES: usize = OBJECT_BYTES[OBJECT_BYTES.len() - 1] as usize;
/// Every size and the header's are multiples of it.
pub(super) const OBJECT_ALIGNMENT: usize = 16;

/// At the start of each slab's frame.
#[repr(C)]
struct Slab {
    next: *mut Slab,
    previous: *mut Slab,
    /// Objects that came back, linked through their first word.
    free: *mut FreeObject,
    /// Objects in use.
    used: u16,
    /// Objects that were handed out at least once; those behind them were never touched.
    started: u16,
    /// Index into [`OBJECT_BYTES`].
    class: u16,
}

const HEADER_BYTES: usize = 64;
const _: () = assert!(size_of::<Slab>() <= HEADER_BYTES);

struct FreeObject {
    next: *mut FreeObject,
}

/// First slab with a free object, for each size.
pub(super) struct Slabs {
    partial: [*mut Slab; OBJECT_BYTES.len()],
}

impl Slabs {
    pub(super) const fn new() -> Self {
        Self {
            partial: [ptr::null_mut(); OBJECT_BYTES.len()],
        }
    }

    /// Null when there is no memory. `bytes` is not larger than the largest object.
    pub(super) fn allocate(&mut self, bytes: usize) -> *mut u8 {
        let class = class_of(bytes);
        let mut slab = self.partial[class];
        if slab.is_null() {
            let Ok(frame) = frames::allocate(FrameKind::Heap, Contents::Stale) else {
                return ptr::null_mut();
            };
            slab = PhysAddr::new(frame.leave().address()).in_direct_map() as *mut Slab;
            let header = Slab {
                next: ptr::null_mut(),
                previous: ptr::null_mut(),
                free: ptr::null_mut(),
                used: 0,
                started: 0,
                class: class as u16,
            };
            // SAFETY: the frame was just allocated for this slab.
            unsafe { slab.write(header) };
            self.partial[class] = slab;
        }
        // SAFETY: a slab on a list lives, and only `self` refers to it.
        let header = unsafe { &mut *slab };
        let object = header.take_object(slab);
        if header.used == capacity(class) {
            self.unlink(slab);
        }
        object
    }

    /// # Safety
    ///
    /// `object` must have come from `allocate` with the same number of bytes, and not have been freed since.
    pub(super) unsafe fn free(&mut self, object: *mut u8, bytes: usize) {
        // SAFETY: an object in use lies in a slab that lives.
        let class = unsafe { (*slab_of(object)).class };
        assert!(
            usize::from(class) == class_of(bytes),
            "object is freed with another size than it was allocated with"
        );
        // SAFETY: the caller vouches for the object.
        unsafe { self.free_of_any_size(object) };
    }

    /// As [`Self::free`], when nobody knows the number of bytes.
    ///
    /// # Safety
    ///
    /// `object` must have come from `allocate`, and not have been freed since.
    pub(super) unsafe fn free_of_any_size(&mut self, object: *mut u8) {
        let slab = slab_of(object);
        // SAFETY: an object in use lies in a slab that lives, and only `self` refers to it.
        let header = unsafe { &mut *slab };
        let class = usize::from(header.class);
        if header.used == capacity(class) {
            self.link(slab, class);
        }
        let object = object.cast::<FreeObject>();
        // SAFETY: the object is the caller's to give, and large enough for a link.
        unsafe { object.write(FreeObject { next: header.free }) };
        header.free = object;
        header.used -= 1;
        if header.used == 0 {
            self.unlink(slab);
            frames::release(frame_of(slab.cast()), Contents::Stale);
        }
    }

    fn link(&mut self, slab: *mut Slab, class: usize) {
        let next = mem::replace(&mut self.partial[class], slab);
        // SAFETY: the slab lives.
        let header = unsafe { &mut *slab };
        header.next = next;
        header.previous = ptr::null_mut();
        if !next.is_null() {
            // SAFETY: slabs on a list live.
            unsafe { (*next).previous = slab };
        }
    }

    fn unlink(&mut self, slab: *mut Slab) {
        // SAFETY: the slab lives.
        let Slab {
            next,
            previous,
            class,
            ..
        } = unsafe { slab.read() };
        if previous.is_null() {
            self.partial[usize::from(class)] = next;
        } else {
            // SAFETY: slabs on a list live.
            unsafe { (*previous).next = next };
        }
        if !next.is_null() {
            // SAFETY: slabs on a list live.
            unsafe { (*next).previous = previous };
        }
    }
}

impl Slab {
    /// There is a free object, because full slabs are on no list. `this` is the slab's own address, with the right to touch
    /// the whole frame.
    fn take_object(&mut self, this: *mut Self) -> *mut u8 {
        self.used += 1;
        if self.free.is_null() {
            let offset =
                HEADER_BYTES + usize::from(self.started) * usize::from(OBJECT_BYTES[usize::from(self.class)]);
            self.started += 1;
            this.cast::<u8>().wrapping_add(offset)
        } else {
            let object = self.free;
            // SAFETY: objects on the list are free, and hold a link.
            self.free = unsafe { (*object).next };
            object.cast()
        }
    }
}

/// The slab that an object lies in.
fn slab_of(object: *mut u8) -> *mut Slab {
    object
        .map_addr(|address| address & !(PAGE_BYTES - 1))
        .cast::<Slab>()
}

fn class_of(bytes: usize) -> usize {
    OBJECT_BYTES
        .iter()
        .position(|&size| bytes <= usize::from(size))
        .expect("larger objects are not taken from slabs")
}

fn capacity(class: usize) -> u16 {
    (PAGE_BYTES - HEADER_BYTES) as u16 / OBJECT_BYTES[class]
}

// SAFETY: the kernel runs on one processor, and the slabs are behind a lock.
unsafe impl Send for Slabs {}
