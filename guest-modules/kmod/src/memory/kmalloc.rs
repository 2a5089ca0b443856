//! Memory from the kernel's heap.

use super::{Block, Memory, pfn_in_row, physical_address, sealed::Raw};
use crate::{Errno, kernel};

/// Bytes in a row (`kzalloc`). From a page's size on they start a page; smaller pieces share one with others, and cannot be
/// protected or reserved.
#[derive(Debug)]
pub struct Kmalloc(Block);

impl Kmalloc {
    /// Takes that many bytes; ENOMEM if there are none.
    pub fn new(len: usize) -> Result<Self, Errno> {
        // SAFETY: taking memory touches none that anyone has.
        let block = Block::given(unsafe { kernel::kmalloc(len) }, len)?;
        // SAFETY: the kernel has just given so many bytes there.
        unsafe { block.start.write_bytes(0, len) };
        Ok(Self(block))
    }

    /// Physical address of the first byte (`virt_to_phys`).
    #[must_use]
    pub fn physical_address(&self) -> u64 {
        physical_address(self.0.start)
    }
}

impl Memory for Kmalloc {}

impl Raw for Kmalloc {
    fn block(&self) -> &Block {
        &self.0
    }

    fn pfn_at(&self, address: *const u8) -> u64 {
        pfn_in_row(address)
    }
}

impl Drop for Kmalloc {
    fn drop(&mut self) {
        // SAFETY: it came from `kmalloc`, and nobody has it any more.
        unsafe { kernel::kfree(self.0.start) };
    }
}
