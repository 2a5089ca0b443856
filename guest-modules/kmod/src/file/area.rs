//! An area that is about to be mapped.
#![allow(unsafe_code, reason = "hands the kernel's own area back to it")]

use core::marker::PhantomData;

use super::{FaultHandler, FileOperations, table};
use crate::{Errno, kernel};

/// What a program is about to map of a file. What a module says here happens when its `mmap` returns without an error.
#[derive(Debug)]
pub struct Area<'a, D> {
    kernels: *mut u8,
    driver: *const u8,
    word: u64,
    first_page: u64,
    pages: u64,
    lives: PhantomData<&'a D>,
}

impl<D: FileOperations> Area<'_, D> {
    /// For the time of a call of `mmap`, with its arguments.
    pub(super) fn new(kernels: *mut u8, driver: *const u8, word: u64, first_page: u64, pages: u64) -> Self {
        Self {
            kernels,
            driver,
            word,
            first_page,
            pages,
            lives: PhantomData,
        }
    }

    /// The page of the file that it begins with.
    #[must_use]
    pub fn first_page(&self) -> u64 {
        self.first_page
    }

    /// Number of its pages.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.pages
    }

    /// Has frames in a row be there from the start, from a page of the area on (`remap_pfn_range`). EINVAL for frames that are no
    /// module's or pages that are not in the area, EPERM for frames that the kernel may execute or may not write.
    pub fn remap(&mut self, page: u64, pfn: u64, pages: u64) -> Result<(), Errno> {
        // SAFETY: the kernel's area lives as long as `self`, and the kernel checks the frames.
        Errno::check(unsafe { kernel::remap_pfn_range(self.kernels, page, pfn, pages) })
    }

    /// Has the driver be asked for the pages that are not there, and told of areas that come and go.
    pub fn use_faults(&mut self) -> Result<(), Errno>
    where
        D: FaultHandler,
    {
        let table = const { &table::area::<D>() };
        // SAFETY: the functions of the table are those of this driver and of its open files.
        Errno::check(unsafe { kernel::set_vm_ops(self.kernels, table, self.driver, self.word) })
    }
}
