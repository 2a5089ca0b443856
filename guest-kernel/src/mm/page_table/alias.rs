//! A frame's entry in the direct map: its alias, whatever else maps it.
//!
//! The direct map is large pages that can be written and not executed. Where a frame is to be something else, its large page
//! becomes a page table of 512 entries, which counts those that differ from the rest (`FrameInfo::private`). With the last of
//! them the large page comes back. The page table of the kernel's image is static and stays.
//!
//! Dropping cached translations is the caller's.

#![allow(
    unsafe_code,
    reason = "tables by their frames, and the references that tables hold"
)]

use abi::paging::ENTRIES;

use super::super::address::FrameNumber;
use super::super::frames::{self, Contents, OutOfMemory};
use super::super::image;
use super::super::set_memory::KernelProtection;
use super::table::Table;
use super::{Entry, TABLE_KIND, below};

/// Frames of a large page.
const LARGE_PAGE_FRAMES: u32 = ENTRIES as u32;

/// What the kernel may do with a frame through the direct map.
pub(in crate::mm) fn protection(frame: FrameNumber) -> KernelProtection {
    match table_for(frame) {
        Some(table) => table.get(index_of(frame)).kernel_protection(),
        None => KernelProtection::Writable,
    }
}

/// Gives the frame an entry of its own, which [`protect`] may then change without needing memory.
pub(in crate::mm) fn split(frame: FrameNumber) -> Result<(), OutOfMemory> {
    if table_for(frame).is_some() {
        return Ok(());
    }
    let frame_of_table = frames::allocate(TABLE_KIND, Contents::Stale)?.leave();
    // SAFETY: the frame was free, each entry is set below, and `merge` frees it when nothing leads to it any more.
    let table = unsafe { Table::at(frame_of_table) };
    let first = first_of_large_page(frame);
    for index in 0..LARGE_PAGE_FRAMES {
        table.set(index as usize, Entry::kernel_data(first.plus(index)));
    }
    let entry = table.as_entry_like(Entry::kernel_data(frame));
    directory().set(directory_index(frame), entry);
    Ok(())
}

/// Changes the frame's entry. One that is to be something else than the rest has been [`split`] off before.
pub(in crate::mm) fn protect(frame: FrameNumber, protection: KernelProtection) {
    let before = self::protection(frame);
    if before == protection {
        return;
    }
    let table = table_for(frame).expect("an entry that changes has been split off");
    table.set(index_of(frame), Entry::kernel(frame, protection));
    let differs = |protection| i16::from(protection != KernelProtection::Writable);
    frames::add_to_private(table.frame(), differs(protection) - differs(before));
}

/// Brings the large page back if none of its entries differs from the rest.
pub(in crate::mm) fn merge(frame: FrameNumber) {
    let Some(table) = table_for(frame) else { return };
    let is_static = frames::kind(table.frame()) != TABLE_KIND as u16;
    if !is_static && table.is_unused() {
        let entry = Entry::large_kernel_data(first_of_large_page(frame));
        directory().set(directory_index(frame), entry);
        // SAFETY: `split` left the reference to the directory, whose entry has just been replaced.
        unsafe { frames::release(table.frame(), Contents::Stale) };
    }
}

/// Makes the frame's entry like the rest again: what every frame must be when it is given back.
pub(in crate::mm) fn restore(frame: FrameNumber) {
    protect(frame, KernelProtection::Writable);
    merge(frame);
}

/// The page table that has the frame's entry; None while that is part of a large page.
fn table_for(frame: FrameNumber) -> Option<Table> {
    let entry = directory().get(directory_index(frame));
    (!entry.is_large()).then(|| below(entry))
}

fn directory() -> Table {
    // SAFETY: it is static.
    unsafe { Table::at(image::direct_map_directory()) }
}

fn directory_index(frame: FrameNumber) -> usize {
    (frame.as_u32() / LARGE_PAGE_FRAMES) as usize
}

fn index_of(frame: FrameNumber) -> usize {
    (frame.as_u32() % LARGE_PAGE_FRAMES) as usize
}

fn first_of_large_page(frame: FrameNumber) -> FrameNumber {
    FrameNumber::new(frame.as_u32() / LARGE_PAGE_FRAMES * LARGE_PAGE_FRAMES)
}
