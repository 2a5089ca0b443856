//! Frames that modules have: rows of them in the direct map, and marks on them.
//!
//! A module names memory by its address alone, so each frame of a row knows how much of the row is left from it on: in the
//! low bits of `FrameInfo::private`. Frames of [`super::vmalloc`] are in no row. The high bit says that a module has reserved
//! the frame: one that is given back before the mark is taken away is lost, as on Linux.

#![allow(unsafe_code, reason = "memory that is given back by its address")]

use core::ptr::NonNull;

use abi::boot::DIRECT_MAP_BASE;
use abi::frame_table::PAGE_RESERVED;

use super::address::{FrameNumber, PAGE_BYTES, PhysAddr, VirtAddr};
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::page_table::alias;
use super::set_memory::KernelProtection;
use super::{direct_map, fault_injection};
use crate::arch;
use crate::errno::Errno;
use crate::log;
use crate::mutant::{self, Mutant};

/// Most frames in a row.
const MAX_FRAMES: usize = PAGE_RESERVED as usize - 1;

/// Takes frames in a row, as many as `bytes` need.
pub(crate) fn allocate_row(bytes: usize, contents: Contents) -> Result<NonNull<u8>, OutOfMemory> {
    let count = bytes.div_ceil(PAGE_BYTES);
    if count == 0 || count > MAX_FRAMES || fault_injection::fails() {
        return Err(OutOfMemory);
    }
    let first = frames::allocate_contiguous(FrameKind::ModulePages, count as u32)?;
    for index in 0..count {
        let frame = first.plus(index as u32);
        frames::set_private(frame, (count - index) as u16);
        if contents == Contents::Zeroed {
            // SAFETY: the row has just been taken, and holds nothing yet.
            unsafe { direct_map::zero(frame) };
        }
    }
    let address = PhysAddr::new(first.address()).in_direct_map() as *mut u8;
    Ok(NonNull::new(address).expect("the direct map is not at 0"))
}

/// Gives a whole row back, named by its first byte. Panics for anything else.
///
/// # Safety
///
/// [`allocate_row`] must have given it to the caller, and nobody may use it any more.
pub(crate) unsafe fn free_row(start: VirtAddr) {
    let first = frame_in_row(start).unwrap_or_else(|| panic!("{start:?} is no row of frames"));
    let before = FrameNumber::new(first.as_u32() - 1);
    let is_inside = frames::is_drivers(before) && rest_of_row(before) == rest_of_row(first) + 1;
    assert!(
        start.is_page_aligned() && !is_inside,
        "{start:?} is in the middle of a row"
    );
    for index in 0..rest_of_row(first) {
        let frame = first.plus(index.into());
        alias::restore(frame);
        // SAFETY: the caller has the row, and so a reference to each of its frames.
        unsafe { give_back(frame) };
    }
    arch::flush_all();
}

/// Gives a frame back that is in no row any more.
///
/// # Safety
///
/// As for [`FrameRef::adopt`].
pub(super) unsafe fn give_back(frame: FrameNumber) {
    if frames::private(frame) & PAGE_RESERVED != 0 {
        log::line(format_args!(
            "a module gives a page back that is still reserved: it is lost"
        ));
        frames::set_private(frame, PAGE_RESERVED);
    } else {
        frames::set_private(frame, 0);
        // SAFETY: by the caller's promise.
        drop(unsafe { FrameRef::adopt(frame) });
    }
}

/// Bytes from an address in a row up to the row's end.
pub(crate) fn bytes_from(start: VirtAddr) -> usize {
    frame_in_row(start).map_or(0, |frame| usize::from(rest_of_row(frame)) * PAGE_BYTES)
}

/// Sets or takes away a frame's mark. Frames that no module has are left alone.
pub(crate) fn mark(frame: FrameNumber, reservation: Reservation) {
    if !frames::is_drivers(frame) {
        log::line(format_args!(
            "a page that no module has is neither reserved nor released"
        ));
        return;
    }
    let is_skipped = match reservation {
        Reservation::Reserved => mutant::is(Mutant::ReservationForgotten),
        Reservation::None => mutant::is(Mutant::ReservationStays),
    };
    if is_skipped {
        return;
    }
    let others = frames::private(frame) & !PAGE_RESERVED;
    let mark = match reservation {
        Reservation::Reserved => PAGE_RESERVED,
        Reservation::None => 0,
    };
    frames::set_private(frame, others | mark);
}

/// Whether programs may map the frame. EINVAL for a frame that no module has, EPERM for one that the kernel may not write or may
/// execute: a program could change what is not to be changed.
pub(crate) fn check_lent(frame: FrameNumber) -> Result<(), Errno> {
    if !frames::is_drivers(frame) {
        return Err(Errno::EINVAL);
    }
    if alias::protection(frame) == KernelProtection::Writable || mutant::is(Mutant::ProtectedFrameLent) {
        Ok(())
    } else {
        Err(Errno::EPERM)
    }
}

/// A reference to a frame for a program that maps it, if programs may.
pub(crate) fn lend(frame: FrameNumber) -> Option<FrameRef> {
    check_lent(frame).ok()?;
    Some(if mutant::is(Mutant::FaultForgetsReference) {
        // SAFETY: none; this is the fault.
        unsafe { FrameRef::adopt(frame) }
    } else {
        FrameRef::retain(frame)
    })
}

/// Whether a frame must stay where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reservation {
    Reserved,
    None,
}

/// Frame behind an address in a row.
pub(super) fn frame_in_row(address: VirtAddr) -> Option<FrameNumber> {
    let frame = FrameNumber::containing(address.as_u64().checked_sub(DIRECT_MAP_BASE)?);
    (frames::is_drivers(frame) && rest_of_row(frame) > 0).then_some(frame)
}

fn rest_of_row(frame: FrameNumber) -> u16 {
    frames::private(frame) & !PAGE_RESERVED
}
