//! A guest that has booted, from which runs fork.
//!
//! A run needs a guest of its own that has done nothing yet but boot. The process of the template has one; for each run it forks, and the
//! forked process goes on with its copy, which shares all memory that neither writes.

use std::collections::BTreeMap;

use kvm_ioctls::Kvm;

use super::boot::{Booted, Setting, Wanted, boot};
use super::fork::{self, Side, fork_and_wait};
use super::once::perform;
use crate::guest::{Guest, ProgramText};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::vm::{Branch, VmError};

/// A guest that has booted, and can be run many times.
pub struct Template<'a> {
    kvm: &'a Kvm,
    guest: &'a Guest,
    programs: BTreeMap<String, ProgramText>,
    /// What its machine was made for.
    made_for: Wanted,
    /// None in a forked process whose run has begun.
    booted: Option<(Booted, Branch)>,
}

impl<'a> Template<'a> {
    /// Boots the guest that a scenario wants. None if runs cannot fork from it: its machine is tied to what is outside of the process, or it
    /// does not come up, which a run of its own tells better.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn boot(
        kvm: &'a Kvm,
        guest: &'a Guest,
        scenario: &Scenario,
    ) -> Result<Option<Template<'a>>, VmError> {
        let programs = guest.texts(scenario)?;
        let setting = Setting {
            kvm,
            guest,
            scenario,
            programs: &programs,
        };
        if !setting.can_branch() {
            return Ok(None);
        }
        let mut booted = boot(setting, &[], None)?;
        if !booted.is_up() {
            return Ok(None);
        }
        let branch = booted.driver.vm_mut().branch(kvm)?;
        Ok(Some(Template {
            kvm,
            guest,
            made_for: Wanted::of(guest, scenario),
            programs,
            booted: Some((booted, branch)),
        }))
    }

    /// Whether the scenario wants what the template is.
    #[must_use]
    pub fn fits(&self, scenario: &Scenario) -> bool {
        scenario.schedule.is_none() && Wanted::of(self.guest, scenario) == self.made_for
    }

    /// Runs a scenario that fits in a forked process, and judges it. Nothing else may go on in the process.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn run(&mut self, scenario: &Scenario) -> Result<Report, VmError> {
        match fork_and_wait()? {
            Side::Trunk(report) => Ok(report),
            Side::Branch(to) => fork::answer(self.go_on(scenario), to),
        }
    }

    /// The run, in the forked process.
    fn go_on(&mut self, scenario: &Scenario) -> Result<Report, VmError> {
        let Some((mut booted, branch)) = self.booted.take() else {
            return Err(VmError::Branch("the template has been used".to_owned()));
        };
        booted.driver.vm_mut().go_on(self.kvm, &branch)?;
        let setting = Setting {
            kvm: self.kvm,
            guest: self.guest,
            scenario,
            programs: &self.programs,
        };
        Ok(perform(setting, booted)?.report)
    }
}
