//! Swap: when there is no free frame, a page of a program goes to the disk and its frame to whoever needs one.
//!
//! - `disk`: what a disk can do; a driver is one
//! - `slots`: pages of the disk, and how many page-table entries each stands for
//! - `clock`: which page goes: second-chance replacement
//! - `evict`: a page goes; [`read`] brings its contents back into a frame, which the fault handler maps
//!
//! Only private anonymous frames go: what is mapped of them are page-table entries at one and the same address in each of
//! the address spaces that have the frame, because nothing but fork makes a second owner, and each of these entries becomes
//! the slot's number. A frame that one of its owners has moved (mremap) stays until nobody else has it, and so does one that an
//! owner has locked. A page that comes back does so for one address space at a time, in a frame of its own.
//!
//! **Invariant:** a frame with more references than page-table entries stays. So whoever uses a program's frame across an
//! allocation holds a reference to it, and shared objects, which hold one to each of their frames, are never touched.
//!
//! **Invariant:** nothing here allocates, because it runs when an allocation cannot be satisfied.

#![allow(unsafe_code, reason = "the frame that a page comes back to")]

mod clock;
mod disk;
mod evict;
mod slots;

use super::address::VirtAddr;
use super::direct_map;
use super::frames::{FrameRef, OutOfMemory};
use super::page_table::PageTable;
use crate::log;
use crate::mutant::{self, Mutant};
use crate::sync::Lock;
use clock::Hand;
pub(crate) use disk::{Disk, DiskError};
pub(crate) use slots::SlotNumber;
use slots::Slots;

/// None: there is no disk, and memory is all there is.
static SWAP: Lock<Option<Swap>> = Lock::new(None);

struct Swap {
    disk: &'static dyn Disk,
    slots: Slots,
    hand: Hand,
}

/// Swaps to the disk from now on.
pub(crate) fn init(disk: &'static dyn Disk) -> Result<(), OutOfMemory> {
    let slots = Slots::new(disk.pages())?;
    *SWAP.lock() = Some(Swap {
        disk,
        slots,
        hand: Hand::START,
    });
    Ok(())
}

/// Gives up one page. Fails when there is no disk, no slot or no page that could go.
#[cold]
#[inline(never)]
pub(super) fn page_out() -> Result<(), OutOfMemory> {
    SWAP.lock().as_mut().ok_or(OutOfMemory)?.evict()
}

/// Gives up a page, if there is a disk and it is nobody else's. Fails when there is no slot.
pub(super) fn page_out_at(page_table: &PageTable, page: VirtAddr) -> Result<(), OutOfMemory> {
    match SWAP.lock().as_mut() {
        Some(swap) => swap.evict_page(page_table, page),
        None => Ok(()),
    }
}

/// Fills a frame that nobody else has with the contents of a slot.
pub(super) fn read(slot: SlotNumber, into: &FrameRef) -> Result<(), DiskError> {
    with(|swap| {
        let source = if mutant::is(Mutant::SwapInStale) {
            SlotNumber::new((slot.as_u32() + 1) % swap.slots.total())
        } else {
            slot
        };
        let fill = |bytes: &mut [u8]| swap.disk.read(source.as_u32(), bytes);
        // SAFETY: nobody but the caller has the frame, and a frame with a `FrameRef` holds no Rust value.
        let result = unsafe { direct_map::with_bytes(into.number(), fill) };
        result.or_else(|error| {
            log::line(format_args!("disk: cannot read page {}: {error}", slot.as_u32()));
            if mutant::is(Mutant::SwapErrorIgnored) {
                // SAFETY: as above.
                unsafe { direct_map::zero(into.number()) };
                return Ok(());
            }
            Err(error)
        })
    })
}

/// A further page-table entry stands for the slot.
pub(super) fn retain(slot: SlotNumber) {
    with(|swap| swap.slots.retain(slot));
}

/// A page-table entry stands for the slot no more.
pub(super) fn release(slot: SlotNumber) {
    with(|swap| swap.slots.release(slot));
}

/// Pages that the disk has room for.
pub(super) fn total() -> u64 {
    SWAP.lock()
        .as_ref()
        .map_or(0, |swap| u64::from(swap.slots.total()))
}

fn with<R>(f: impl FnOnce(&mut Swap) -> R) -> R {
    f(SWAP.lock().as_mut().expect("without a disk there are no slots"))
}
