//! What the kernel offers to modules: a function for each name in the list of [`abi::module_exports`].
//!
//! Modules are a part of the kernel, so these functions trust their arguments as far as the kernel trusts itself: what they
//! can check they do, and a pointer to nothing stops the machine.

#![allow(
    unsafe_code,
    non_snake_case,
    reason = "functions with raw pointers and Linux's names, which code that was compiled elsewhere calls"
)]

mod files;
mod guarded;
mod waiting;

use core::{ptr, slice};

use crate::errno::Errno;
use crate::log;
use crate::mm::{
    self, Contents, FrameKind, FrameNumber, LARGEST_OBJECT_BYTES, ProtectionChange, Reservation, UserSlice,
    VirtAddr, Vmalloc,
};
use crate::mutant::{self, Mutant};
use crate::process;

use super::table::with_modules;
use files::{
    offer_pages, proc_create, register_chrdev, remap_pfn_range, remove_proc_entry, set_vm_ops,
    unregister_chrdev,
};
use guarded::call_guarded;
use waiting::{changed, changes, wait_for_change};

/// Makes [`find`] of the list. A name without a function here, or one of another type, does not compile.
macro_rules! table {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// Address of the function of that name.
        pub(super) fn find(name: &[u8]) -> Option<u64> {
            $(
                if name == stringify!($name).as_bytes() {
                    let function: unsafe extern "C" fn($($type),*) $(-> $result)? = $name;
                    return Some(function as usize as u64);
                }
            )*
            None
        }
    };
}

abi::module_exports!(table);

unsafe extern "C" {
    fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8;
    fn memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8;
    fn memcmp(left: *const u8, right: *const u8, bytes: usize) -> i32;
    fn bcmp(left: *const u8, right: *const u8, bytes: usize) -> i32;
}

unsafe extern "C" fn printk(text: *const u8, bytes: usize) {
    // SAFETY: the module says that so much text is there.
    let text = unsafe { slice::from_raw_parts(text, bytes) };
    log::line(format_args!("{}", Lossy(text.trim_ascii_end())));
}

unsafe extern "C" fn panic(text: *const u8, bytes: usize) -> ! {
    // SAFETY: as in `printk`.
    let text = unsafe { slice::from_raw_parts(text, bytes) };
    panic!("in a module: {}", Lossy(text));
}

unsafe extern "C" fn kmalloc(bytes: usize) -> *mut u8 {
    if bytes <= LARGEST_OBJECT_BYTES {
        mm::allocate_object(bytes)
    } else {
        mm::allocate_row(bytes, Contents::Stale).map_or(ptr::null_mut(), ptr::NonNull::as_ptr)
    }
}

unsafe extern "C" fn kfree(memory: *mut u8) {
    let address = VirtAddr::new(memory as u64);
    if memory.is_null() {
        return;
    }
    // Objects lie behind the header of their page; rows start one.
    if address.is_page_aligned() {
        // SAFETY: the module gives back what `kmalloc` gave it.
        unsafe { mm::free_row(address) };
    } else {
        // SAFETY: the module gives back what `kmalloc` gave it.
        unsafe { mm::free_object(memory) };
    }
}

unsafe extern "C" fn vmalloc(bytes: usize) -> *mut u8 {
    Vmalloc::new(FrameKind::ModulePages, bytes)
        .map_or(ptr::null_mut(), |piece| piece.leave().start().as_u64() as *mut u8)
}

unsafe extern "C" fn vfree(memory: *mut u8) {
    if memory.is_null() {
        return;
    }
    // SAFETY: the module gives back what `vmalloc` gave and left to it.
    let piece = unsafe { Vmalloc::adopt(VirtAddr::new(memory as u64)) };
    drop(piece.unwrap_or_else(|| panic!("{memory:?} is nothing that vmalloc gave")));
}

unsafe extern "C" fn vmalloc_to_pfn(address: *const u8) -> u64 {
    let frame = if mutant::is(Mutant::VmallocContiguous) {
        mm::frame_as_if_in_a_row(VirtAddr::new(address as u64))
    } else {
        mm::frame_behind_vmalloc(VirtAddr::new(address as u64))
    };
    let frame = frame.unwrap_or_else(|| panic!("{address:?} does not lie in what vmalloc gave"));
    frame.as_u32().into()
}

unsafe extern "C" fn alloc_pages_exact(bytes: usize) -> *mut u8 {
    mm::allocate_row(bytes, Contents::Zeroed).map_or(ptr::null_mut(), ptr::NonNull::as_ptr)
}

unsafe extern "C" fn free_pages_exact(memory: *mut u8, bytes: usize) {
    let start = VirtAddr::new(memory as u64);
    if memory.is_null() {
        return;
    }
    let found = mm::bytes_left_in_row(start);
    assert!(
        bytes.checked_next_multiple_of(abi::PAGE_SIZE as usize) == Some(found),
        "{bytes} bytes of pages are given back of a row of {found}"
    );
    // SAFETY: the module gives back what `alloc_pages_exact` gave it.
    unsafe { mm::free_row(start) };
}

unsafe extern "C" fn set_page_reserved(pfn: u64) {
    mark(pfn, Reservation::Reserved);
}

unsafe extern "C" fn clear_page_reserved(pfn: u64) {
    mark(pfn, Reservation::None);
}

fn mark(pfn: u64, reservation: Reservation) {
    let frame = u32::try_from(pfn).unwrap_or(u32::MAX);
    mm::mark_module_page(FrameNumber::new(frame), reservation);
}

unsafe extern "C" fn copy_from_user(to: *mut u8, from: u64, bytes: usize) -> usize {
    // SAFETY: the module says that so much room is there.
    let into = unsafe { slice::from_raw_parts_mut(to, bytes) };
    if mutant::is(Mutant::UserMemoryUnchecked) {
        // SAFETY: none; this is the fault.
        unsafe { ptr::copy_nonoverlapping(from as *const u8, to, bytes) };
        return 0;
    }
    by_pieces(from, bytes, |piece, done| {
        let into = &mut into[done..done + piece.len()];
        process::copy_in(piece, into)
    })
}

unsafe extern "C" fn copy_to_user(to: u64, from: *const u8, bytes: usize) -> usize {
    // SAFETY: the module says that so many bytes are there.
    let from = unsafe { slice::from_raw_parts(from, bytes) };
    by_pieces(to, bytes, |piece, done| {
        let from = &from[done..done + piece.len()];
        process::copy_out(piece, from)
    })
}

/// Copies page by page of the process's memory up to the first that cannot be, and gives the number of bytes that are left.
fn by_pieces(
    address: u64,
    bytes: usize,
    mut copy: impl FnMut(UserSlice, usize) -> Result<(), Errno>,
) -> usize {
    let Ok(mut rest) = UserSlice::new(address, bytes as u64) else {
        return bytes;
    };
    let mut done = 0;
    while let Some(piece) = rest.take_piece(bytes) {
        if copy(piece, done).is_err() {
            break;
        }
        done += piece.len();
    }
    bytes - done
}

unsafe extern "C" fn set_memory_ro(address: *const u8, pages: usize) -> i32 {
    change(address, pages, ProtectionChange::ReadOnly)
}

unsafe extern "C" fn set_memory_rw(address: *const u8, pages: usize) -> i32 {
    change(address, pages, ProtectionChange::ReadWrite)
}

unsafe extern "C" fn set_memory_x(address: *const u8, pages: usize) -> i32 {
    change(address, pages, ProtectionChange::Executable)
}

unsafe extern "C" fn set_memory_nx(address: *const u8, pages: usize) -> i32 {
    change(address, pages, ProtectionChange::NotExecutable)
}

fn change(address: *const u8, pages: usize, change: ProtectionChange) -> i32 {
    code(mm::set_memory(
        VirtAddr::new(address as u64),
        pages as u64,
        change,
    ))
}

/// What a function returns that can fail: 0, or a negated error number.
fn code(result: Result<(), Errno>) -> i32 {
    result.map_or_else(|error| -error.number(), |()| 0)
}

unsafe extern "C" fn try_module_get(module: *const u8) -> i32 {
    with_modules(|modules| modules.hold(VirtAddr::new(module as u64)))
        .is_ok()
        .into()
}

unsafe extern "C" fn module_put(module: *const u8) {
    with_modules(|modules| modules.let_go(VirtAddr::new(module as u64)));
}

/// Text that may not be UTF-8.
struct Lossy<'a>(&'a [u8]);

impl core::fmt::Display for Lossy<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match core::str::from_utf8(self.0) {
            Ok(text) => f.write_str(text),
            Err(_) => write!(f, "{}", self.0.escape_ascii()),
        }
    }
}
