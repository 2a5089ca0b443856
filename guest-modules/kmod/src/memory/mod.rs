//! Memory of the kernel's that a module owns.
//!
//! **Invariant:** the bytes of a [`Memory`] are initialised and its owner's alone. A store to bytes that were made read-only
//! stops the machine, as a store through a wild pointer would, and changes nothing before that.
#![allow(unsafe_code, reason = "memory by address, from the kernel and back to it")]

mod kmalloc;
mod pages;
mod vmalloc;

use core::slice;

use abi::boot::{DIRECT_MAP_BASE, MAX_MEMORY_MIB};

use crate::user::all;
use crate::{Errno, PAGE_SIZE, kernel};

pub use kmalloc::Kmalloc;
pub use pages::Pages;
pub use vmalloc::Vmalloc;

/// What all memory has, wherever it is from.
pub trait Memory: sealed::Raw {
    /// Its bytes.
    fn bytes(&self) -> &[u8] {
        // SAFETY: what owns memory has so many bytes there, initialised and its own.
        unsafe { slice::from_raw_parts(self.start(), self.len()) }
    }

    /// Its bytes, for as long as they are writable.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the owner is borrowed for it.
        unsafe { slice::from_raw_parts_mut(self.start(), self.len()) }
    }

    /// Number of whole pages, in part or wholly its own.
    fn pages(&self) -> usize {
        self.len().div_ceil(PAGE_SIZE)
    }

    /// Number of the frame behind a page of it.
    fn pfn(&self, page: usize) -> u64 {
        self.pfn_at(self.page(page))
    }

    /// Address of a page of it, by which the kernel knows it.
    fn page(&self, page: usize) -> *const u8 {
        assert!(page < self.pages(), "page {page} of {} pages", self.pages());
        self.start().wrapping_add(page * PAGE_SIZE)
    }

    /// Tells the kernel that all its frames must stay where they are (`SetPageReserved`).
    fn set_reserved(&self) {
        for page in 0..self.pages() {
            // SAFETY: the kernel marks the frame, if it is a module's, and touches no memory.
            unsafe { kernel::set_page_reserved(self.pfn(page)) };
        }
    }

    /// Takes that back (`ClearPageReserved`).
    fn clear_reserved(&self) {
        for page in 0..self.pages() {
            // SAFETY: as in `set_reserved`.
            unsafe { kernel::clear_page_reserved(self.pfn(page)) };
        }
    }

    /// Copies bytes of it to the process's memory; EFAULT if not all of them could be written. Programs that map the memory may
    /// change it at the same time.
    fn copy_to_user(&self, offset: usize, to: u64, bytes: usize) -> Result<(), Errno> {
        let from = range(self, offset, bytes);
        // SAFETY: the kernel reads bytes that are there.
        all(unsafe { kernel::copy_to_user(to, from, bytes) })
    }

    /// The other way round, for as long as the bytes are writable.
    fn copy_from_user(&self, offset: usize, from: u64, bytes: usize) -> Result<(), Errno>
    where
        Self: Sized,
    {
        let to = range(self, offset, bytes);
        // SAFETY: the kernel writes bytes that are there, and that programs may write too.
        all(unsafe { kernel::copy_from_user(to, from, bytes) })
    }

    /// Makes all its pages read-only (`set_memory_ro`).
    fn set_read_only(&mut self) -> Result<(), Errno> {
        // SAFETY: the kernel changes whole pages of the memory that it has given, or refuses.
        Errno::check(unsafe { kernel::set_memory_ro(self.start(), self.pages()) })
    }

    /// Makes all its pages writable (`set_memory_rw`); EPERM if they are executable.
    fn set_writable(&mut self) -> Result<(), Errno> {
        // SAFETY: as in `set_read_only`.
        Errno::check(unsafe { kernel::set_memory_rw(self.start(), self.pages()) })
    }

    /// Makes all its pages executable (`set_memory_x`); EPERM if they are writable.
    fn set_executable(&mut self) -> Result<(), Errno> {
        // SAFETY: as in `set_read_only`.
        Errno::check(unsafe { kernel::set_memory_x(self.start(), self.pages()) })
    }

    /// Makes all its pages not executable (`set_memory_nx`).
    fn set_not_executable(&mut self) -> Result<(), Errno> {
        // SAFETY: as in `set_read_only`.
        Errno::check(unsafe { kernel::set_memory_nx(self.start(), self.pages()) })
    }
}

/// Where so many bytes begin.
fn range<M: sealed::Raw + ?Sized>(memory: &M, offset: usize, bytes: usize) -> *mut u8 {
    let end = offset.checked_add(bytes);
    assert!(
        end.is_some_and(|end| end <= memory.len()),
        "{bytes} bytes from {offset} on of {}",
        memory.len()
    );
    memory.start().wrapping_add(offset)
}

pub(crate) mod sealed {
    use super::Block;

    /// Where memory is: for the types of this module alone.
    pub trait Raw {
        /// All of it.
        fn block(&self) -> &Block;

        /// Number of the frame behind an address in it.
        fn pfn_at(&self, address: *const u8) -> u64;

        /// The first byte.
        fn start(&self) -> *mut u8 {
            self.block().start
        }

        /// Number of bytes.
        fn len(&self) -> usize {
            self.block().len
        }
    }
}

/// Bytes that the kernel gave, until whoever has it gives them back.
#[derive(Debug)]
pub struct Block {
    start: *mut u8,
    len: usize,
}

// SAFETY: its bytes are its owner's alone, as a boxed slice's are.
unsafe impl Send for Block {}

// SAFETY: as for `Send`; shared, they can only be read.
unsafe impl Sync for Block {}

impl Block {
    /// What the kernel gave for that many bytes; ENOMEM for null.
    fn given(start: *mut u8, len: usize) -> Result<Self, Errno> {
        if start.is_null() {
            Err(Errno::ENOMEM)
        } else {
            Ok(Self { start, len })
        }
    }

    /// As [`Self::given`], of whole pages; `give` is asked for their bytes.
    fn of_pages(pages: usize, give: impl FnOnce(usize) -> *mut u8) -> Result<Self, Errno> {
        let len = pages.checked_mul(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        Self::given(give(len), len)
    }
}

/// Physical address of a value in memory of [`Kmalloc`] or [`Pages`], or of what the kernel gives back for an open file
/// (`virt_to_phys`). The kernel sees all such memory at one distance.
///
/// # Panics
///
/// For a value that is elsewhere: on the stack, in the module itself, or in a [`Vmalloc`].
#[must_use]
pub fn virt_to_phys<T>(value: &T) -> u64 {
    physical_address(core::ptr::from_ref(value).cast())
}

fn physical_address(address: *const u8) -> u64 {
    let found = (address as u64)
        .checked_sub(DIRECT_MAP_BASE)
        .filter(|found| *found < MAX_MEMORY_MIB << 20);
    found.unwrap_or_else(|| panic!("{address:?} is not in memory that has one distance"))
}

/// Number of the frame behind an address there.
fn pfn_in_row(address: *const u8) -> u64 {
    physical_address(address) / PAGE_SIZE as u64
}
