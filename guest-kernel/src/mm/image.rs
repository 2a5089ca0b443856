//! The kernel's own mapping, from what boot needs to what may remain.
//!
//! Afterwards memory is mapped once, at the direct map, up to its end and not at 0; code can be executed and not written,
//! constants can be read, everything else can be written and not executed; below each static stack lies an unmapped page.

#![allow(
    unsafe_code,
    reason = "symbols of the linker script and of the assembly, and the page tables that they name"
)]

use core::ops::Range;

use abi::PAGE_SIZE;
use abi::boot::{DIRECT_MAP_BASE, KERNEL_PHYS};
use abi::paging::{ACCESSED, NO_EXECUTE, PRESENT, WRITABLE};

use super::address::{FrameNumber, VirtAddr};
use super::direct_map;
use super::frames;
use crate::arch;
use crate::mutant::{self, Mutant};

const LARGE_PAGE_SHIFT: u32 = 21;

unsafe extern "C" {
    static image_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static image_end: u8;
    static kernel_pml4: u8;
    static kernel_pdpt: u8;
    static direct_map_pd: u8;
    static image_pt: u8;
    static run_time_pd: u8;
    static boot_stack_guard: u8;
    static emergency_stack_guard: u8;
}

/// Physical addresses of the kernel's image, static data included.
pub(crate) fn image_range() -> Range<u64> {
    physical(&raw const image_start)..physical(&raw const image_end)
}

/// Frame of the kernel's own top page table.
pub(super) fn kernel_root() -> FrameNumber {
    FrameNumber::containing(physical(&raw const kernel_pml4))
}

/// Frame of the table whose entries are the large pages of the direct map.
pub(super) fn direct_map_directory() -> FrameNumber {
    FrameNumber::containing(physical(&raw const direct_map_pd))
}

/// Brings the kernel's mapping into its final form, for memory of `frames` frames.
pub(crate) fn protect(frames: usize) {
    let image_table = FrameNumber::containing(physical(&raw const image_pt));
    let text = page_indices(&raw const image_start, &raw const text_end);
    let rodata = page_indices(&raw const text_end, &raw const rodata_end);
    let text_writable = if mutant::is(Mutant::KernelTextWritable) {
        WRITABLE
    } else {
        0
    };
    for index in text {
        let entry = page_address(index) | PRESENT | ACCESSED | text_writable;
        set(image_table, index, entry);
    }
    for index in rodata {
        let entry = page_address(index) | PRESENT | ACCESSED | NO_EXECUTE;
        set(image_table, index, entry);
    }
    for guard in [&raw const boot_stack_guard, &raw const emergency_stack_guard] {
        set(image_table, page_index(guard), 0);
    }

    // Each entry gets its final value at once: the code that does it lies behind one of them.
    let directory = direct_map_directory();
    let image_slot = (KERNEL_PHYS >> LARGE_PAGE_SHIFT) as usize;
    let mapped = (frames as u64 * PAGE_SIZE).div_ceil(1 << LARGE_PAGE_SHIFT) as usize;
    for index in 0..mapped {
        let entry = if index == image_slot {
            image_table.address() | PRESENT | WRITABLE | ACCESSED
        } else {
            // SAFETY: as in `set`.
            unsafe { direct_map::load(directory, index) | NO_EXECUTE }
        };
        set(directory, index, entry);
    }
    // SAFETY: as in `set`; nothing is used that lies past the end of memory.
    unsafe { direct_map::zero_words(directory, mapped) };

    let top = kernel_root();
    let below = FrameNumber::containing(physical(&raw const kernel_pdpt));
    set(top, 0, 0);
    set(below, 0, 0);
    arch::flush_all();
}

/// Replaces an entry of one of the static tables.
fn set(table: FrameNumber, index: usize, entry: u64) {
    // SAFETY: `protect` names tables alone, each by its symbol, and takes away only what nothing uses after boot.
    unsafe { direct_map::store(table, index, entry) };
}

/// Keeps the static tables of the run-time half from being freed with their last entry: one that never goes is counted.
pub(super) fn pin_tables() {
    for table in [
        &raw const kernel_pml4,
        &raw const kernel_pdpt,
        &raw const run_time_pd,
    ] {
        frames::add_to_private(FrameNumber::containing(physical(table)), 1);
    }
}

fn physical(symbol: *const u8) -> u64 {
    (symbol as u64).wrapping_sub(DIRECT_MAP_BASE)
}

fn page_indices(start: *const u8, end: *const u8) -> Range<usize> {
    page_index(start)..page_index(end)
}

fn page_index(symbol: *const u8) -> usize {
    ((physical(symbol) - KERNEL_PHYS) / PAGE_SIZE) as usize
}

fn page_address(index: usize) -> u64 {
    KERNEL_PHYS + index as u64 * PAGE_SIZE
}

/// First address of the kernel's run-time half: stacks, registers of devices, memory that is mapped page by page.
pub(super) const RUN_TIME_BASE: VirtAddr = VirtAddr::new(DIRECT_MAP_BASE + (1 << 30));
