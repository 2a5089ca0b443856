//! A guest that has booted, from which runs fork.
//!
//! A run needs a guest of its own that has done nothing yet but boot. The process of the template has one; for each run it forks, and the
//! forked process goes on with its copy, which shares all memory that neither writes.

use std::collections::BTreeMap;
use std::time::Instant;

use kvm_ioctls::Kvm;

use super::Onlookers;
use super::boot::{Booted, Setting, Wanted, boot, can_branch};
use super::drawn;
use super::fork::{self, Side, fork_and_wait};
use super::once::perform;
use crate::guest::Guest;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::vm::{Branch, VmError};

/// A guest that has booted, and can be run many times.
pub struct Template<'a> {
    kvm: &'a Kvm,
    guest: &'a Guest,
    /// What its machine was made for.
    made_for: Wanted,
    /// None where a run has taken it.
    booted: Option<Booted>,
    /// What a forked process goes on with. None for a guest that did not come up, from which nothing forks.
    branch: Option<Branch>,
    /// When it had booted.
    since: Instant,
}

impl<'a> Template<'a> {
    /// Whether runs of the scenario may fork from a template: its machine is not tied to what is outside of the process, and it is
    /// no exploration, which forks where schedules differ.
    #[must_use]
    pub fn is_for(guest: &Guest, scenario: &Scenario) -> bool {
        scenario.schedule.is_none() && can_branch(guest, scenario)
    }

    /// Boots the guest that such a scenario wants.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn boot(kvm: &'a Kvm, guest: &'a Guest, scenario: &Scenario) -> Result<Template<'a>, VmError> {
        // No program prints before a run, and each run brings its own.
        let setting = Setting {
            kvm,
            guest,
            scenario,
            programs: &BTreeMap::new(),
            onlookers: &Onlookers::default(),
        };
        let mut booted = boot(setting, &[], None)?;
        let branch = if booted.is_up() {
            Some(booted.driver.vm_mut().branch(kvm)?)
        } else {
            None
        };
        Ok(Template {
            kvm,
            guest,
            made_for: Wanted::of(guest, scenario),
            booted: Some(booted),
            branch,
            since: Instant::now(),
        })
    }

    /// Whether runs fork from it. One whose guest did not come up tells of that in the one run that it is good for.
    #[must_use]
    pub fn can_fork(&self) -> bool {
        self.branch.is_some()
    }

    /// Whether the scenario wants what the template is.
    #[must_use]
    pub fn fits(&self, scenario: &Scenario) -> bool {
        Template::is_for(self.guest, scenario) && Wanted::of(self.guest, scenario) == self.made_for
    }

    /// Runs a scenario that fits, in a forked process where [`Self::can_fork`] says so, and judges it. Nothing else may go on in the
    /// process.
    ///
    /// # Errors
    /// The host cannot run a guest.
    pub fn run(&mut self, scenario: &Scenario) -> Result<Report, VmError> {
        drawn(self.guest, scenario, |scenario| {
            let Some(branch) = self.branch.take() else {
                return self.go_on(scenario, None);
            };
            match fork_and_wait()? {
                Side::Trunk(report) => {
                    self.branch = Some(branch);
                    Ok(report)
                }
                Side::Branch(to) => fork::answer(self.go_on(scenario, Some(&branch)), to),
            }
        })
    }

    /// The run, with a branch in a forked process.
    fn go_on(&mut self, scenario: &Scenario, branch: Option<&Branch>) -> Result<Report, VmError> {
        let Some(mut booted) = self.booted.take() else {
            return Err(VmError::Branch("the template has been used".to_owned()));
        };
        let vm = booted.driver.vm_mut();
        vm.set_programs(self.guest.texts(scenario)?);
        if let Some(branch) = branch {
            booted.started = Instant::now();
            vm.has_waited(self.since.elapsed());
            vm.go_on(self.kvm, branch)?;
        }
        Ok(perform(self.guest, scenario, booted)?.report)
    }
}
