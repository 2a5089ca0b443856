//! Looks at the kernel's own mappings at the moments at which it says that it has changed them.
//!
//! What a kernel may do with its pages can be wrong for a moment in the middle of a system call, and right again when an agent
//! asks for its next operation. So it is looked at when it changes, and the judge gets what was found with the next step.

use crate::inspect::audit::{self, KernelFinding};
use crate::inspect::owners::{Owners, Space};
use crate::inspect::{Effort, Findings, PhysicalMemory};
use crate::vm::{Stop, VmError};

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Protection {
    findings: Findings<KernelFinding>,
    missed: u64,
}

impl Protection {
    /// Looks once.
    pub(super) fn look(&mut self, stop: &Stop<'_>, spaces: &[Space], effort: &Effort) -> Result<(), VmError> {
        let cut_before = effort.cut();
        let memory = PhysicalMemory::new(stop.memory());
        let owners = Owners::of_spaces(memory, spaces, effort);
        self.findings
            .append(audit::kernel(memory, stop.root()?, &owners, effort));
        self.missed += u64::from(effort.cut() > cut_before);
        Ok(())
    }

    /// What was found since this was last called.
    pub(super) fn take(&mut self) -> Findings<KernelFinding> {
        std::mem::take(&mut self.findings)
    }

    /// Changes that were not looked at as a whole, because there was too much to look at.
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }
}
