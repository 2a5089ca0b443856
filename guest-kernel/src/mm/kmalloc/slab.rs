//! Slabs: frames cut into objects of one size.
//!
//! Whoever has an object writes to the frame while the slabs do, so the slabs never refer to a whole frame, nor to its header, by a
//! reference: what they know of it is read and written through the frame's address.

use core::marker::PhantomData;
use core::{mem, ptr};

use super::super::address::PAGE_BYTES;

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

/// Where slabs get their frames.
pub(super) trait Frames {
    /// The start of a frame of memory that nobody else has; null when there is none.
    fn take() -> *mut u8;

    /// Takes a frame back.
    ///
    /// # Safety
    ///
    /// `frame` must have come from [`Self::take`], and nobody may use it any more.
    unsafe fn give_back(frame: *mut u8);
}

/// First slab with a free object, for each size.
pub(super) struct Slabs<F> {
    partial: [*mut Slab; OBJECT_BYTES.len()],
    frames: PhantomData<F>,
}

impl<F: Frames> Slabs<F> {
    pub(super) const fn new() -> Self {
        Self {
            partial: [ptr::null_mut(); OBJECT_BYTES.len()],
            frames: PhantomData,
        }
    }

    /// Null when there is no memory. `bytes` is not larger than the largest object.
    pub(super) fn allocate(&mut self, bytes: usize) -> *mut u8 {
        let class = class_of(bytes);
        let mut slab = self.partial[class];
        if slab.is_null() {
            slab = F::take().cast::<Slab>();
            if slab.is_null() {
                return ptr::null_mut();
            }
            let header = Slab {
                next: ptr::null_mut(),
                previous: ptr::null_mut(),
                free: ptr::null_mut(),
                used: 0,
                started: 0,
                class: class as u16,
            };
            // SAFETY: the frame was just taken for this slab.
            unsafe { slab.write(header) };
            self.partial[class] = slab;
        }
        // SAFETY: slabs on a list live, and have a free object.
        let (object, used) = unsafe { take_object(slab, class) };
        if used == capacity(class) {
            self.unlink(slab);
        }
        object
    }

    /// # Safety
    ///
    /// `object` must have come from `allocate` with the same number of bytes, and not have been freed since.
    pub(super) unsafe fn free(&mut self, object: *mut u8, bytes: usize) {
        // SAFETY: an object in use lies in a slab that lives.
        let Slab { class, .. } = unsafe { slab_of(object).read() };
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
        // SAFETY: an object in use lies in a slab that lives.
        let Slab { class, used, .. } = unsafe { slab.read() };
        let class = usize::from(class);
        if used == capacity(class) {
            self.link(slab, class);
        }
        // SAFETY: the object is the caller's to give, and the slab lives.
        unsafe { put_object(slab, object.cast()) };
        if used == 1 {
            self.unlink(slab);
            // SAFETY: the slab's frame came from there; no object of it is in use, and it is on no list.
            unsafe { F::give_back(slab.cast()) };
        }
    }

    fn link(&mut self, slab: *mut Slab, class: usize) {
        let next = mem::replace(&mut self.partial[class], slab);
        // SAFETY: the slab lives.
        unsafe { (*slab).next = next };
        // SAFETY: the slab lives.
        unsafe { (*slab).previous = ptr::null_mut() };
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

/// Takes an object of that class out of a slab, and says how many are in use then.
///
/// # Safety
///
/// `slab` points at the slab with the right to the whole frame, and has a free object.
unsafe fn take_object(slab: *mut Slab, class: usize) -> (*mut u8, u16) {
    // SAFETY: the slab lives.
    let mut header = unsafe { slab.read() };
    header.used += 1;
    let object = if header.free.is_null() {
        let offset = HEADER_BYTES + usize::from(header.started) * usize::from(OBJECT_BYTES[class]);
        header.started += 1;
        slab.cast::<u8>().wrapping_add(offset)
    } else {
        let free = header.free;
        // SAFETY: objects on the list are free, and hold a link.
        header.free = unsafe { free.read() }.next;
        free.cast()
    };
    let used = header.used;
    // SAFETY: the slab lives.
    unsafe { slab.write(header) };
    (object, used)
}

/// Puts an object on its slab's list.
///
/// # Safety
///
/// Both live, and nobody uses the object.
unsafe fn put_object(slab: *mut Slab, object: *mut FreeObject) {
    // SAFETY: the slab lives.
    let mut header = unsafe { slab.read() };
    // SAFETY: the object is large enough for a link, and nobody's.
    unsafe { object.write(FreeObject { next: header.free }) };
    header.free = object;
    header.used -= 1;
    // SAFETY: the slab lives.
    unsafe { slab.write(header) };
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
unsafe impl<F> Send for Slabs<F> {}

#[cfg(test)]
mod tests {
    use std::alloc::{Layout, alloc, dealloc};
    use std::cell::Cell;

    use super::{
        Frames, HEADER_BYTES, LARGEST_OBJECT_BYTES, OBJECT_ALIGNMENT, OBJECT_BYTES, PAGE_BYTES, Slabs,
    };

    fn frame() -> Layout {
        Layout::from_size_align(PAGE_BYTES, PAGE_BYTES).unwrap()
    }

    thread_local! {
        static FRAMES_IN_USE: Cell<usize> = const { Cell::new(0) };
    }

    /// The host's memory, so that a checker knows the bounds of each frame and when it went.
    struct Host;

    impl Frames for Host {
        fn take() -> *mut u8 {
            FRAMES_IN_USE.set(FRAMES_IN_USE.get() + 1);
            // SAFETY: the layout has a size.
            unsafe { alloc(frame()) }
        }

        unsafe fn give_back(memory: *mut u8) {
            FRAMES_IN_USE.set(FRAMES_IN_USE.get() - 1);
            // SAFETY: it came from `take`.
            unsafe { dealloc(memory, frame()) };
        }
    }

    /// An object that is filled with a byte of its own, and must have kept it when it goes.
    struct Object {
        memory: &'static mut [u8],
        fill: u8,
    }

    fn take(slabs: &mut Slabs<Host>, bytes: usize, fill: u8) -> Object {
        let memory = slabs.allocate(bytes);
        assert!(memory.addr().is_multiple_of(OBJECT_ALIGNMENT));
        // SAFETY: the slabs gave so many bytes to us alone.
        unsafe { memory.write_bytes(fill, bytes) };
        // SAFETY: the same, and they are initialised.
        let memory = unsafe { std::slice::from_raw_parts_mut(memory, bytes) };
        Object { memory, fill }
    }

    fn give_back(slabs: &mut Slabs<Host>, Object { memory, fill }: Object) {
        assert!(memory.iter().all(|byte| *byte == fill));
        // SAFETY: it came from `take`, with this size.
        unsafe { slabs.free(memory.as_mut_ptr(), memory.len()) };
    }

    #[test]
    fn objects_of_all_sizes_keep_apart_while_others_come_and_go() {
        let mut slabs = Slabs::<Host>::new();
        let mut objects = Vec::new();
        let mut random = 1_u32;
        for round in 0..if cfg!(miri) { 200 } else { 5000 } {
            random = random.wrapping_mul(1_103_515_245).wrapping_add(12345);
            let choice = (random >> 8) as usize;
            if objects.len() > 100 || choice.is_multiple_of(3) && !objects.is_empty() {
                let object = objects.swap_remove(choice % objects.len());
                give_back(&mut slabs, object);
            } else {
                objects.push(take(&mut slabs, 1 + choice % LARGEST_OBJECT_BYTES, round as u8));
            }
        }
        for object in objects {
            give_back(&mut slabs, object);
        }
        assert_eq!(FRAMES_IN_USE.get(), 0);
    }

    #[test]
    fn a_slab_is_filled_to_its_last_object_and_goes_with_its_last_one() {
        for size in OBJECT_BYTES.map(usize::from) {
            let mut slabs = Slabs::<Host>::new();
            let fit = (PAGE_BYTES - HEADER_BYTES) / size;
            let mut objects: Vec<_> = (0..fit).map(|_| take(&mut slabs, size, 1)).collect();
            assert_eq!(FRAMES_IN_USE.get(), 1, "{size}");
            objects.push(take(&mut slabs, size, 2));
            assert_eq!(FRAMES_IN_USE.get(), 2, "{size}");
            for object in objects {
                give_back(&mut slabs, object);
            }
            assert_eq!(FRAMES_IN_USE.get(), 0, "{size}");
        }
    }

    #[test]
    #[should_panic(expected = "freed with another size")]
    fn an_object_is_not_given_back_with_another_size() {
        let mut slabs = Slabs::<Host>::new();
        let object = slabs.allocate(32);
        // SAFETY: the slabs notice.
        unsafe { slabs.free(object, 33) };
    }
}
