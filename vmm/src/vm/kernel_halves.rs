//! Kernel halves that have been scanned, as long as their tables are the same: a kernel changes little of its own from step to step, and
//! scanning all of it is most of what looking at a large kernel costs.

use crate::inspect::audit::KernelHalf;
use crate::inspect::walk::Root;
use crate::inspect::{Effort, PhysicalMemory};

/// Most that are kept: a kernel has one, or one that programs run with and its own.
const MOST: usize = 4;

/// Those that are known.
#[derive(Debug, Default)]
pub(super) struct KernelHalves {
    known: Vec<KernelHalf>,
    /// Whether the guest has run since the known ones were last compared with what there is.
    guest_has_run: bool,
}

impl KernelHalves {
    /// Takes note that the guest runs, and may change what is known.
    pub(super) fn guest_runs(&mut self) {
        self.guest_has_run = true;
    }

    /// Forgets those that are not as they were.
    pub(super) fn refresh(&mut self, memory: PhysicalMemory<'_>) {
        if std::mem::take(&mut self.guest_has_run) {
            self.known.retain(|half| half.is_as_it_was(memory));
        }
    }

    /// That of an address space, if it is known and has been as it was when they were refreshed.
    pub(super) fn known(&self, memory: PhysicalMemory<'_>, root: Root) -> Option<&KernelHalf> {
        self.known.iter().find(|half| half.is_of(memory, root))
    }

    /// That of an address space, which is scanned if it is not known or not as it was.
    pub(super) fn of(&mut self, memory: PhysicalMemory<'_>, root: Root, effort: &Effort) -> &KernelHalf {
        self.refresh(memory);
        let index = match self.known.iter().position(|half| half.is_of(memory, root)) {
            Some(index) => index,
            None => {
                self.known.truncate(MOST - 1);
                self.known.push(KernelHalf::scan(memory, root, effort));
                self.known.len() - 1
            }
        };
        &self.known[index]
    }
}
