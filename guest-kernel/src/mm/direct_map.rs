//! The direct map: physical address `p` is at `DIRECT_MAP_BASE + p`, and each frame is mapped nowhere else in the kernel
//! (stacks and what `vmalloc` gave apart). This module is the only one that turns physical addresses into pointers.
//!
//! **Invariant:** frames of programs, page tables, shared objects and the page cache are copied in and out and are never seen through a
//! Rust reference that lasts, because a program or the processor may change them once the kernel returns.
//!
//! A number is no proof that a frame is one of these: what takes one is unsafe, and whoever calls it says what the frame is. The frames are
//! *raw* in what follows: memory, and no Rust value lives in them.

#![allow(unsafe_code, reason = "physical memory as pointers")]

use core::arch::asm;
use core::ops::Range;
use core::{ptr, slice};

use abi::boot::DIRECT_MAP_BASE;
use abi::frame_table::FrameInfo;

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr};

/// Words of 8 bytes in a frame.
const WORDS: usize = PAGE_BYTES / 8;

/// Reads a word of a page table.
///
/// # Safety
///
/// The frame is raw.
pub(super) unsafe fn load(frame: FrameNumber, index: usize) -> u64 {
    // SAFETY: all memory is mapped, `word` stays inside the frame, and by the caller's promise no Rust value is there.
    unsafe { ptr::read_volatile(word(frame, index)) }
}

/// Writes a word of a page table.
///
/// # Safety
///
/// The frame is raw, and the caller's to change; a page table must map for users and for the kernel what they may have.
pub(super) unsafe fn store(frame: FrameNumber, index: usize, value: u64) {
    // SAFETY: as in `load`.
    unsafe { ptr::write_volatile(word(frame, index), value) };
}

fn word(frame: FrameNumber, index: usize) -> *mut u64 {
    assert!(index < WORDS, "word {index} is past the end of the frame");
    (PhysAddr::new(frame.address()).in_direct_map() + 8 * index as u64) as *mut u64
}

/// Index of the first word in a part of a page table that is not zero. An instruction a word, where a loop has five or more.
///
/// # Safety
///
/// As for [`load`].
pub(super) unsafe fn find_nonzero(frame: FrameNumber, words: Range<usize>) -> Option<usize> {
    if words.is_empty() {
        return None;
    }
    assert!(
        words.end <= WORDS,
        "word {} is past the end of the frame",
        words.end - 1
    );
    let (unseen, found): (usize, u8);
    // SAFETY: reads words of one frame, in which by the caller's promise no Rust value lives.
    unsafe {
        asm!("repe scasq", "setne {found}", found = out(reg_byte) found, inout("rcx") words.len() => unseen,
            inout("rdi") word(frame, words.start) => _, in("rax") 0, options(nostack, readonly));
    }
    (found != 0).then(|| words.end - unseen - 1)
}

/// Fills a frame with zeros.
///
/// # Safety
///
/// The frame is raw, and the caller's to change.
pub(super) unsafe fn zero(frame: FrameNumber) {
    // SAFETY: by the caller's promise.
    unsafe { zero_words(frame, 0) };
}

/// Fills a frame with zeros from the word at `first` on.
///
/// # Safety
///
/// As for [`zero`].
pub(super) unsafe fn zero_words(frame: FrameNumber, first: usize) {
    assert!(first <= WORDS, "word {first} is past the end of the frame");
    let start = PhysAddr::new(frame.address()).in_direct_map() + 8 * first as u64;
    // SAFETY: writes inside one frame, in which by the caller's promise no Rust value lives.
    unsafe {
        asm!("rep stosq", inout("rdi") start => _, inout("rcx") WORDS - first => _, in("rax") 0,
            options(nostack, preserves_flags));
    }
}

/// Copies a whole frame.
///
/// # Safety
///
/// Both are raw, and the second is the caller's to change.
pub(super) unsafe fn copy(from: FrameNumber, to: FrameNumber) {
    let source = PhysAddr::new(from.address()).in_direct_map();
    let target = PhysAddr::new(to.address()).in_direct_map();
    // SAFETY: reads one frame and writes another, in which by the caller's promise no Rust values live.
    unsafe {
        asm!("rep movsq", inout("rsi") source => _, inout("rdi") target => _, inout("rcx") WORDS => _,
            options(nostack, preserves_flags));
    }
}

/// Copies a part of one frame to another frame.
///
/// # Safety
///
/// As for [`copy`].
pub(super) unsafe fn copy_part(
    from: FrameNumber,
    from_offset: usize,
    to: FrameNumber,
    to_offset: usize,
    len: usize,
) {
    if len == PAGE_BYTES {
        // SAFETY: by the caller's promise.
        return unsafe { copy(from, to) };
    }
    assert!(from != to, "a frame is not copied to itself");
    let source = bytes_of(from, from_offset, len);
    let target = bytes_of(to, to_offset, len);
    // SAFETY: both are inside mapped frames, in which by the caller's promise no Rust values live. They are not the same.
    unsafe { ptr::copy_nonoverlapping(source, target, len) };
}

/// Lets a device have the bytes of a frame, to fill or to take.
///
/// # Safety
///
/// The frame is raw and the caller's to change, and nothing else reaches it until `f` has returned.
pub(super) unsafe fn with_bytes<R>(frame: FrameNumber, f: impl FnOnce(&mut [u8]) -> R) -> R {
    let start = bytes_of(frame, 0, PAGE_BYTES);
    // SAFETY: one mapped frame, which by the caller's promise nobody else sees. A program that maps it does not run before `f` has
    // returned, because nothing interrupts the kernel.
    f(unsafe { slice::from_raw_parts_mut(start, PAGE_BYTES) })
}

/// Copies bytes out of one frame.
///
/// # Safety
///
/// The frame is raw.
pub(super) unsafe fn read(frame: FrameNumber, offset: usize, into: &mut [u8]) {
    let source = bytes_of(frame, offset, into.len());
    // SAFETY: source is inside a mapped frame, and the target, a live slice, is in none without Rust values.
    unsafe { ptr::copy_nonoverlapping(source, into.as_mut_ptr(), into.len()) };
}

/// Copies bytes into one frame.
///
/// # Safety
///
/// The frame is raw, and the caller's to change.
pub(super) unsafe fn write(frame: FrameNumber, offset: usize, from: &[u8]) {
    let target = bytes_of(frame, offset, from.len());
    // SAFETY: target is inside a mapped frame, in which by the caller's promise no Rust value lives; source is a live slice.
    unsafe { ptr::copy_nonoverlapping(from.as_ptr(), target, from.len()) };
}

fn bytes_of(frame: FrameNumber, offset: usize, len: usize) -> *mut u8 {
    assert!(
        offset <= PAGE_BYTES && len <= PAGE_BYTES - offset,
        "{len} bytes at {offset} pass the end of the frame"
    );
    (PhysAddr::new(frame.address()).in_direct_map() + offset as u64) as *mut u8
}

/// A number that the loader left in memory.
///
/// # Safety
///
/// It must lie in memory that the loader filled and nobody has taken yet.
pub(crate) unsafe fn boot_u32(address: PhysAddr) -> u32 {
    // SAFETY: the direct map covers every address that the loader may use, and by the caller's promise nobody has the memory.
    unsafe { ptr::read_unaligned(address.in_direct_map() as *const u32) }
}

/// A number that the loader left in memory.
///
/// # Safety
///
/// As for [`boot_u32`].
pub(crate) unsafe fn boot_u64(address: PhysAddr) -> u64 {
    // SAFETY: as in `boot_u32`.
    unsafe { ptr::read_unaligned(address.in_direct_map() as *const u64) }
}

/// Bytes that the loader left in memory.
///
/// # Safety
///
/// They must be memory, and nobody may store to them for as long as the slice is used.
pub(crate) unsafe fn boot_bytes<'a>(address: PhysAddr, len: usize) -> &'a [u8] {
    // SAFETY: the direct map covers all memory, and by the caller's promise the bytes stay as they are.
    unsafe { slice::from_raw_parts(address.in_direct_map() as *const u8, len) }
}

/// The frame table, as the one who owns it sees it.
///
/// # Safety
///
/// The memory must belong to nobody else, hold initialised `FrameInfo`s or zeros, and be asked for only once.
pub(super) unsafe fn frame_table(address: PhysAddr, frames: usize) -> &'static mut [FrameInfo] {
    // SAFETY: by the caller's promise; a `FrameInfo` of zeros is valid, and frames are aligned for it.
    unsafe { slice::from_raw_parts_mut(address.in_direct_map() as *mut FrameInfo, frames) }
}

/// Physical address of something in the kernel's image or heap.
pub(crate) fn physical_address_of<T: ?Sized>(value: &T) -> PhysAddr {
    PhysAddr::new((ptr::from_ref(value).cast::<u8>() as u64).wrapping_sub(DIRECT_MAP_BASE))
}
