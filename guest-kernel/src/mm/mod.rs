//! Memory: who owns each frame, and what each process sees.
//!
//! - `address`: physical and virtual addresses, frame numbers, page ranges
//! - `direct_map`: the one mapping through which the kernel touches physical memory
//! - `frames`: the frame table: allocation and reference counts
//! - `fault_injection`: requests for memory that fail on purpose
//! - `kmalloc`: the kernel heap
//! - `page_table`: the x86-64 radix tree
//! - `image`: takes away from the kernel's own mapping what must not remain after boot
//! - `kernel_stack`: guarded stacks in the run-time half of the kernel's addresses
//! - `vmalloc`: pieces of memory there that are mapped page by page
//! - `module_pages`: frames that modules have
//! - `set_memory`: what the kernel may do with its own pages
//! - `page_cache`: what the loader left in memory for good
//! - `kernel_pages`: frames that the kernel writes and lends to programs
//! - `shared_object`: memory that belongs to no process
//! - `address_space`: what a process sees: areas, faults, copy-on-write, fork
//! - `swap`: pages of programs on a disk, when memory runs out
//! - `device_memory`: registers and buffers of devices
//! - `user_copy`: reading and writing a process's memory
//!
//! **Invariant:** a frame has as many references as there are page-table entries that map it for a user, plus one for
//! each owner in the kernel; at zero it is free. Nothing is freed by any other way.

mod address;
mod address_space;
mod device_memory;
mod direct_map;
pub(crate) mod fault_injection;
mod frames;
mod image;
mod kernel_pages;
mod kernel_stack;
mod kmalloc;
mod module_pages;
mod page_cache;
mod page_table;
mod set_memory;
mod shared_object;
mod swap;
mod user_copy;
mod vmalloc;

use core::ops::Range;

pub(crate) use address::{FrameNumber, PageRange, PhysAddr, VirtAddr, round_up_to_page};
pub(crate) use address_space::{
    Access, AddressSpace, AreaFlags, AreaRole, AreaView, Awaited, AwaitedFor, Backing, FaultError, Growth,
    Guard, Limits, Locking, Lookup, MapOperations, MapRequest, NewArea, Numbers, Placement, Protection,
    STACK_TOP, Sharing, SpaceId, WatchModes, be_vulnerable_to_dirty_cow, copy_on_fork, layout,
};
pub(crate) use device_memory::{allocate_for_device, map_registers};
pub(crate) use direct_map::{boot_bytes, boot_u32, boot_u64, physical_address_of};
pub(crate) use frames::{
    Contents, FrameKind, FrameRef, FreshMemory, OutOfMemory, UsableMemory, allocate, free as free_frames,
    table_location as frame_table_location,
};
pub(crate) use image::image_range;
pub(crate) use kernel_pages::KernelPages;
pub(crate) use kernel_stack::{KERNEL_STACKS, KernelStack, MAX_STACKS};
pub(crate) use kmalloc::{LARGEST_OBJECT_BYTES, allocate_object, free_object, try_box, try_rc};
pub(crate) use module_pages::{
    Reservation, allocate_row, bytes_from as bytes_left_in_row, check_lent, free_row, lend as lend_frame,
    mark as mark_module_page,
};
pub(crate) use page_cache::{CachedBytes, CachedFile};
pub(crate) use page_table::{PageTable, activate_kernel};
pub(crate) use set_memory::{ProtectionChange, set_memory};
pub(crate) use shared_object::{MAX_BYTES as MAX_SHARED_BYTES, SharedObject};
pub(crate) use swap::{Disk, DiskError, init as swap_to};
pub(crate) use user_copy::{CopyError, UserSlice, copy_from_frame, copy_to_frame, new_page, new_zero_page};
pub(crate) use vmalloc::{Vmalloc, frame_as_if_in_a_row, frame_behind as frame_behind_vmalloc};

/// Takes possession of memory: the frame table, and the final form of the kernel's own mapping. What lies at the addresses of
/// `initrd` is the page cache from then on.
pub(crate) fn init(usable: UsableMemory, fresh: FreshMemory, initrd: Range<u64>) -> CachedBytes {
    let frames = usable.frames_to_end();
    frames::init(usable, fresh, image_range(), initrd.clone());
    image::pin_tables();
    image::protect(frames);
    CachedBytes::new(initrd)
}

/// Takes a frame that nobody will ever give back: a deliberate fault.
pub(crate) fn leak_frame() {
    if let Ok(frame) = allocate(FrameKind::Anonymous, Contents::Stale) {
        frame.leave();
    }
}
