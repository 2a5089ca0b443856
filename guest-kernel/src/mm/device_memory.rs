//! Memory that the kernel and a device share: registers of the device, and frames that it reads and writes.

#![allow(unsafe_code, reason = "frames that have just been taken")]

use core::ptr::NonNull;

use abi::PAGE_SIZE;

use super::address::{PhysAddr, VirtAddr};
use super::direct_map;
use super::frames::{self, FrameKind, OutOfMemory};
use super::kernel_stack::KERNEL_STACKS;
use super::page_table::{Entry, PageTable};

/// Where the registers of the one device with registers in memory are seen: behind the kernel stacks.
const REGISTERS: VirtAddr = KERNEL_STACKS.end();

/// Maps a page of registers. There is room for one.
pub(crate) fn map_registers(address: PhysAddr) -> Result<VirtAddr, OutOfMemory> {
    assert!(
        address.is_page_aligned(),
        "registers at {address:?} do not start a page"
    );
    let mut kernel = PageTable::kernel();
    assert!(
        kernel.lookup(REGISTERS).is_empty(),
        "registers are mapped already"
    );
    kernel.install(REGISTERS, Entry::kernel_device(address))?;
    Ok(REGISTERS)
}

/// Takes frames in a row, all zero, that are the device's for good.
pub(crate) fn allocate_for_device(pages: usize) -> Result<(PhysAddr, NonNull<u8>), OutOfMemory> {
    let first = frames::allocate_contiguous(FrameKind::Heap, pages as u32)?;
    // SAFETY: the row has just been taken, and holds nothing yet.
    (0..pages as u32).for_each(|index| unsafe { direct_map::zero(first.plus(index)) });
    let address = PhysAddr::new(first.address());
    let pointer = NonNull::new(address.in_direct_map() as *mut u8).expect("the direct map is not at 0");
    Ok((address, pointer))
}

const _: () = assert!(
    virtio_drivers::PAGE_SIZE as u64 == PAGE_SIZE,
    "devices count in the same pages"
);
