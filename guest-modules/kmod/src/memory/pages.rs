//! Whole pages in a row.

use super::{Block, Memory, pfn_in_row, physical_address, sealed::Raw};
use crate::{Errno, kernel};

/// Pages on frames in a row (`alloc_pages_exact`).
#[derive(Debug)]
pub struct Pages(Block);

impl Pages {
    /// Takes that many pages; ENOMEM if there are none in a row.
    pub fn new(pages: usize) -> Result<Self, Errno> {
        // SAFETY: taking memory touches none that anyone has.
        Block::of_pages(pages, |len| unsafe { kernel::alloc_pages_exact(len) }).map(Self)
    }

    /// Physical address of the first byte (`virt_to_phys`).
    #[must_use]
    pub fn physical_address(&self) -> u64 {
        physical_address(self.0.start)
    }
}

impl Memory for Pages {}

impl Raw for Pages {
    fn block(&self) -> &Block {
        &self.0
    }

    fn pfn_at(&self, address: *const u8) -> u64 {
        pfn_in_row(address)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: they came from `alloc_pages_exact` for as many bytes, and nobody has them any more.
        unsafe { kernel::free_pages_exact(self.0.start, self.0.len) };
    }
}
