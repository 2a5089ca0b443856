//! Memory that is mapped page by page.

use super::{Block, Memory, sealed::Raw};
use crate::{Errno, kernel};

/// Pages whose frames are anywhere (`vmalloc`, zeroed).
#[derive(Debug)]
pub struct Vmalloc(Block);

impl Vmalloc {
    /// Takes that many pages; ENOMEM if there are none.
    pub fn new(pages: usize) -> Result<Self, Errno> {
        // SAFETY: taking memory touches none that anyone has.
        Block::of_pages(pages, |len| unsafe { kernel::vmalloc(len) }).map(Self)
    }
}

impl Memory for Vmalloc {}

impl Raw for Vmalloc {
    fn block(&self) -> &Block {
        &self.0
    }

    fn pfn_at(&self, address: *const u8) -> u64 {
        // SAFETY: the kernel looks the address up, and reads nothing there.
        unsafe { kernel::vmalloc_to_pfn(address) }
    }
}

impl Drop for Vmalloc {
    fn drop(&mut self) {
        // SAFETY: it came from `vmalloc`, and nobody has it any more.
        unsafe { kernel::vfree(self.0.start) };
    }
}
