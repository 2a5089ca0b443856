//! Memory from the kernel's heap.

use super::{Memory, sealed::Raw, virt_to_phys, zeroed};
use crate::{Errno, PAGE_SIZE, kernel};

/// Bytes in a row (`kzalloc`). From a page's size on they start a page; smaller pieces share one with others, and cannot be
/// protected or reserved.
#[derive(Debug)]
pub struct Kmalloc {
    start: *mut u8,
    len: usize,
}

impl Kmalloc {
    /// Takes that many bytes; ENOMEM if there are none.
    pub fn new(len: usize) -> Result<Self, Errno> {
        // SAFETY: taking memory touches none that anyone has.
        let start = zeroed(unsafe { kernel::kmalloc(len) }, len)?;
        Ok(Self { start, len })
    }

    /// Physical address of the first byte (`virt_to_phys`).
    #[must_use]
    pub fn physical_address(&self) -> u64 {
        virt_to_phys(self.start)
    }
}

impl Memory for Kmalloc {}

impl Raw for Kmalloc {
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

impl Drop for Kmalloc {
    fn drop(&mut self) {
        // SAFETY: it came from `kmalloc`, and nobody has it any more.
        unsafe { kernel::kfree(self.start) };
    }
}

// SAFETY: it owns its bytes like a boxed slice.
unsafe impl Send for Kmalloc {}

// SAFETY: as for `Send`; shared, it can only be read.
unsafe impl Sync for Kmalloc {}
