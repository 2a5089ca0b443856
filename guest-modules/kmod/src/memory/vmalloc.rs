//! Memory that is mapped page by page.

use super::{Memory, sealed::Raw};
use crate::{Errno, PAGE_SIZE, kernel};

/// Pages whose frames are anywhere (`vmalloc`, zeroed).
#[derive(Debug)]
pub struct Vmalloc {
    start: *mut u8,
    len: usize,
}

impl Vmalloc {
    /// Takes that many pages; ENOMEM if there are none.
    pub fn new(pages: usize) -> Result<Self, Errno> {
        let len = pages.checked_mul(PAGE_SIZE).ok_or(Errno::ENOMEM)?;
        // SAFETY: taking memory touches none that anyone has.
        let start = unsafe { kernel::vmalloc(len) };
        if start.is_null() {
            return Err(Errno::ENOMEM);
        }
        Ok(Self { start, len })
    }
}

impl Memory for Vmalloc {}

impl Raw for Vmalloc {
    fn start(&self) -> *mut u8 {
        self.start
    }

    fn len(&self) -> usize {
        self.len
    }

    fn pfn_at(&self, address: *const u8) -> u64 {
        // SAFETY: the kernel looks the address up, and reads nothing there.
        unsafe { kernel::vmalloc_to_pfn(address) }
    }
}

impl Drop for Vmalloc {
    fn drop(&mut self) {
        // SAFETY: it came from `vmalloc`, and nobody has it any more.
        unsafe { kernel::vfree(self.start) };
    }
}

// SAFETY: it owns its bytes like a boxed slice.
unsafe impl Send for Vmalloc {}

// SAFETY: as for `Send`; shared, it can only be read.
unsafe impl Sync for Vmalloc {}
