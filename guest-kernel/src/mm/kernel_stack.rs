//! Kernel stacks: one a process, each with unmapped pages below it.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use abi::PAGE_SIZE;

use super::address::{PageRange, VirtAddr};
use super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::image::RUN_TIME_BASE;
use super::page_table::{Entry, PageTable};
use crate::sync::Lock;

/// Most stacks that there can be, and so most processes.
pub(crate) const MAX_STACKS: usize = 1024;
const STACK_BYTES: u64 = 4 * PAGE_SIZE;
/// A stack lies at the upper end of its slot.
const SLOT_BYTES: u64 = 2 * STACK_BYTES;

/// Addresses of all stacks and what is between them.
pub(crate) const KERNEL_STACKS: PageRange =
    PageRange::new(RUN_TIME_BASE, RUN_TIME_BASE.plus(MAX_STACKS as u64 * SLOT_BYTES));

/// One bit a slot, set while it is in use.
static SLOTS: Lock<[u64; MAX_STACKS / 64]> = Lock::new([0; MAX_STACKS / 64]);

/// A mapped kernel stack.
#[derive(Debug)]
pub(crate) struct KernelStack {
    slot: usize,
}

impl KernelStack {
    /// Its contents are of no interest to anyone, and not zeroed.
    pub(crate) fn new() -> Result<Self, OutOfMemory> {
        let slot = take_slot().ok_or(OutOfMemory)?;
        let stack = Self { slot };
        let mut kernel = PageTable::kernel();
        let mut page = stack.range().start();
        while page < stack.range().end() {
            let frame = frames::allocate(FrameKind::KernelStack, Contents::Stale)?;
            kernel.install(page, Entry::kernel_data(frame.number()))?;
            frame.leave();
            page = page.plus(PAGE_SIZE);
        }
        Ok(stack)
    }

    /// Where the stack pointer starts.
    pub(crate) fn top(&self) -> VirtAddr {
        self.range().end()
    }

    fn range(&self) -> PageRange {
        let end = RUN_TIME_BASE.plus((self.slot as u64 + 1) * SLOT_BYTES);
        PageRange::new(end.minus(STACK_BYTES), end)
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        PageTable::kernel().update(self.range(), |_, entry| {
            // SAFETY: `new` left the reference to this entry, which is emptied.
            drop(unsafe { FrameRef::adopt(entry.frame()) });
            Entry::EMPTY
        });
        SLOTS.lock()[self.slot / 64] &= !(1 << (self.slot % 64));
    }
}

fn take_slot() -> Option<usize> {
    let mut slots = SLOTS.lock();
    let (index, word) = slots
        .iter_mut()
        .enumerate()
        .find(|(_, word)| **word != u64::MAX)?;
    let bit = word.trailing_ones() as usize;
    *word |= 1 << bit;
    Some(index * 64 + bit)
}
