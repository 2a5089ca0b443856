//! Whole pages in a row.

use super::{Memory, sealed::Raw, virt_to_phys};
use crate::{Errno, PAGE_SIZE, kernel};

/// Pages on frames in a row (`alloc_pages_exact`).
#[derive(Debug)]
pub struct Pages {
    start: *mut u8,
    len: usize,
}

impl Pages {
    /// Takes that many pages; ENOMEM if there are none in a row.
    pub fn new(pages: usize) -> Result<Self, Errno> {
        let len = pages.checked_mul(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        // SAFETY: taking memory touches none that anyone has.
        let start = unsafe { kernel::alloc_pages_exact(len) };
        if start.is_null() {
            return Err(Errno::ENOMEM);
        }
        Ok(Self { start, len })
    }

    /// Physical address of the first byte (`virt_to_phys`).
    #[must_use]
    pub fn physical_address(&self) -> u64 {
        virt_to_phys(self.start)
    }
}

impl Memory for Pages {}

impl Raw for Pages {
    fn start(&self) -> *mut u8 {
        self.start
    }

    fn len(&self) -> usize {
        self.len
    }

    fn pfn_at(&self, address: *const u8) -> u64 {
        virt_to_phys(address) / PAGE_SIZE as u64
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: they came from `alloc_pages_exact` for as many bytes, and nobody has them any more.
        unsafe { kernel::free_pages_exact(self.start, self.len) };
    }
}

// SAFETY: they own their bytes like a boxed slice.
unsafe impl Send for Pages {}

// SAFETY: as for `Send`; shared, they can only be read.
unsafe impl Sync for Pages {}
