//! Following the kernel, and what is known of a stretch in which it was followed: the functions that it called, and what it stored.

use super::{Vm, VmError};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::guest::Inlining;
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

impl Vm {
    /// From now on the kernel is followed, until [`Vm::follow_no_more`]: where it begins to run, beside for system calls and page faults, its
    /// functions `ways_in` say. Functions that are in others are looked up when they are to be told. The machine has not run yet, or stands still
    /// in user mode.
    ///
    /// # Errors
    /// KVM refuses, or the kernel's file has no such functions.
    pub fn follow(&mut self, ways_in: &[String], inlining: Inlining) -> Result<(), VmError> {
        let ways_in = self.functions(ways_in)?;
        self.vcpu.follow(&self.memory, &ways_in, inlining)
    }

    /// Where these functions of the kernel begin.
    pub(super) fn functions(&self, names: &[String]) -> Result<Vec<VirtAddr>, VmError> {
        let address_of = |name: &String| {
            let address = self.symbols.address_of(name);
            address.ok_or_else(|| VmError::NoFunction {
                name: name.as_str().into(),
            })
        };
        names.iter().map(address_of).collect()
    }

    /// Whether a function of the kernel has this in its name.
    #[must_use]
    pub fn has_function(&self, part: &str) -> bool {
        self.symbols.has_part(part)
    }

    /// From now on the kernel is not followed.
    ///
    /// # Errors
    /// KVM refuses.
    pub fn follow_no_more(&mut self) -> Result<(), VmError> {
        self.vcpu.follow_no_more(&self.memory)
    }

    /// What the kernel did since this was last called; None when it was not followed, or did nothing.
    pub(crate) fn take_followed(&mut self) -> Option<Followed> {
        let followed = self.vcpu.take_followed();
        followed.filter(|followed| followed.trace.instructions > 0)
    }
}
