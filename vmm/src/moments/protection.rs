//! Looks at the kernel's own mappings at the moments at which it says that it has changed them.
//!
//! What a kernel may do with its pages can be wrong for a moment in the middle of a system call, and right again when an agent
//! asks for its next operation. So it is looked at when it changes, and the judge gets what was found with the next step.

use crate::inspect::audit::{self, KernelFinding};
use crate::inspect::owners::{Owners, Space};
use crate::inspect::{Findings, PhysicalMemory};
use crate::vm::{Stop, VmError};

/// Most looks in one run: each of them reads all page tables.
const MAX_LOOKS: u64 = 10_000;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Protection {
    findings: Findings<KernelFinding>,
    looks: u64,
    missed: u64,
}

impl Protection {
    /// Looks once.
    pub(super) fn look(&mut self, stop: &Stop<'_>, spaces: &[Space]) -> Result<(), VmError> {
        if self.looks == MAX_LOOKS {
            self.missed += 1;
            return Ok(());
        }
        self.looks += 1;
        let memory = PhysicalMemory::new(stop.memory());
        let owners = Owners::of_spaces(memory, spaces);
        self.findings.append(audit::kernel(memory, stop.root()?, &owners));
        Ok(())
    }

    /// What was found since this was last called.
    pub(super) fn take(&mut self) -> Findings<KernelFinding> {
        std::mem::take(&mut self.findings)
    }

    /// Changes that were not looked at, because there were too many.
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }
}
