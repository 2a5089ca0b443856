//! What is known of a stretch in which the kernel was followed: the functions that it called, and what it stored.

use crate::address::{FrameNumber, PhysAddr};
use crate::inspect::walk::Root;
use crate::trace::Trace;

/// What a kernel did in a stretch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Followed {
    /// Its functions.
    pub(crate) trace: Trace,
    /// Words that it changed, in order.
    pub(crate) stores: Vec<Store>,
    /// Frames that it stored to, in order, each once in a row.
    pub(crate) written: Vec<(u64, FrameNumber)>,
    /// Page tables that it loaded, in order.
    pub(crate) roots: Vec<(u64, Root)>,
    /// The page table with which the thread of each kernel stack comes from user mode, as far as it was seen, by the number of the stack.
    pub(crate) stacks: Vec<Option<Root>>,
}

/// A word that an instruction of the kernel changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Store {
    /// Instructions of the stretch before the one that did it.
    pub(crate) at: u64,
    /// Where the word is, a multiple of eight.
    pub(crate) address: PhysAddr,
    pub(crate) was: u64,
    pub(crate) is: u64,
}
