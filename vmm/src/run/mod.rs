//! Runs a scenario on a guest and judges it. Read [`once`] first: it is the whole pipeline.
//!
//! - [`once`]: one run
//! - [`explore`]: one for each schedule of the guest's threads

mod explore;
mod once;

use std::path::Path;

use kvm_ioctls::Kvm;

use crate::report::Report;
use crate::scenario::{Scenario, Schedule};
use crate::vm::VmError;

/// The guest to run: a kernel and the archive of its programs.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// PVH ELF file.
    pub kernel: &'a Path,
    /// newc archive.
    pub initrd: &'a Path,
    /// Words for the kernel command line besides the scenario's own, such as `mutant=cow-copies-wrong-frame`.
    pub options: &'a [String],
}

/// Runs a scenario and judges it: once, or once for each of the schedules that it wants explored.
///
/// # Errors
/// The host cannot run a guest. What the guest does wrong is in the report.
pub fn run(kvm: &Kvm, guest: &Guest<'_>, scenario: &Scenario) -> Result<Report, VmError> {
    match &scenario.schedule {
        Some(Schedule::Explore(exploration)) => explore::explore(kvm, guest, scenario, *exploration),
        Some(Schedule::Choices(choices)) => Ok(once::once(kvm, guest, scenario, choices)?.report),
        None => Ok(once::once(kvm, guest, scenario, &[])?.report),
    }
}
