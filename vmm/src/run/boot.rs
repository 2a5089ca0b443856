//! From a scenario to a guest that has booted.

use std::collections::BTreeMap;
use std::time::Instant;

use kvm_ioctls::Kvm;

use super::Onlookers;
use crate::drive::{self, AtChoice, Driver};
use crate::guest::{self, Guest, ProgramText, Stretch};
use crate::machine::Machine;
use crate::scenario::{Clock, Scenario};
use crate::vm::{Budget, Config, StopReason, Vm, VmError};

/// How many times as long a kernel takes that is followed.
const EFFORT_TO_FOLLOW: u32 = 50;

/// What all runs of one scenario have in common.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) kvm: &'a Kvm,
    pub(super) guest: &'a Guest,
    pub(super) scenario: &'a Scenario,
    /// Code of the programs whose output is awaited, by name.
    pub(super) programs: &'a BTreeMap<String, ProgramText>,
    /// Who looks at it while it goes on.
    pub(super) onlookers: &'a Onlookers,
}

impl Setting<'_> {
    /// Whether a machine for it can go on in a forked process: no server talks to it, KVM has no device of it, and nobody looks at it or follows its
    /// kernel, for KVM would not stop at breakpoints there, and what is kept of memory is kept once.
    pub(super) fn can_branch(self) -> bool {
        self.onlookers.is_empty() && can_branch(self.guest, self.scenario)
    }
}

/// As [`Setting::can_branch`], where nobody looks at it.
pub(super) fn can_branch(guest: &Guest, scenario: &Scenario) -> bool {
    guest.description.machine == Machine::Bare
        && !is_followed(guest, scenario)
        && guest.clock(scenario) == Clock::Virtual
        && scenario.guest.vsock.is_empty()
}

/// Whether somebody wants to know what the kernel does.
fn is_followed(guest: &Guest, scenario: &Scenario) -> bool {
    guest.record.kernel.is_some() || scenario.is_followed()
}

/// How many times as much effort as a scenario says a run may take.
fn effort(guest: &Guest, scenario: &Scenario) -> u32 {
    let followed = if is_followed(guest, scenario) {
        EFFORT_TO_FOLLOW
    } else {
        1
    };
    guest.description.effort.saturating_mul(followed)
}

/// What a machine is made of that scenarios may want otherwise, but for sockets.
#[derive(PartialEq, Eq)]
pub(super) struct Wanted {
    command_line: String,
    memory_mib: u64,
    clock: Clock,
    swap_mib: Option<u64>,
    budget: Budget,
}

impl Wanted {
    pub(super) fn of(guest: &Guest, scenario: &Scenario) -> Wanted {
        Wanted {
            command_line: guest::command_line(guest, scenario),
            memory_mib: guest.memory_mib(scenario),
            clock: guest.clock(scenario),
            swap_mib: scenario.guest.swap.map(|swap| swap.mib),
            budget: Budget::of(&scenario.budget, effort(guest, scenario), guest.slow),
        }
    }
}

/// A guest that has booted, or was to.
pub(super) struct Booted {
    pub(super) driver: Driver,
    /// Whether its first program asks for an operation, or how it ended instead.
    pub(super) outcome: drive::Outcome,
    /// When its machine was begun.
    pub(super) started: Instant,
    /// Who looks at it while it goes on.
    pub(super) onlookers: Onlookers,
}

impl Booted {
    /// Whether its first program asks for an operation.
    pub(super) fn is_up(&mut self) -> bool {
        let stop = self.driver.stop();
        self.outcome != drive::Outcome::Silent
            && stop.is_some_and(|stop| matches!(stop.reason(), StopReason::Ring(_)))
    }
}

/// Makes the machine that a scenario wants, and boots its guest.
pub(super) fn boot(
    setting: Setting<'_>,
    choices: &[usize],
    at_choice: Option<AtChoice>,
) -> Result<Booted, VmError> {
    let started = Instant::now();
    let Setting {
        kvm,
        guest,
        scenario,
        programs,
        onlookers,
    } = setting;
    let description = &guest.description;
    let wanted = Wanted::of(guest, scenario);
    let mut vm = Vm::new(
        kvm,
        &Config {
            kernel: &guest.kernel,
            initrd: &guest.initrd,
            agent: guest.agent.as_ref(),
            programs,
            command_line: &wanted.command_line,
            machine: description.machine,
            kernel_image: description.kernel_image,
            memory_mib: wanted.memory_mib,
            clock: wanted.clock,
            swap_mib: wanted.swap_mib,
            sockets: Some(&scenario.guest.vsock).filter(|places| !places.is_empty()),
            budget: wanted.budget,
        },
    )?;
    vm.devices().schedule.follow(choices.to_vec());
    if at_choice.is_some() {
        vm.stop_at_choices();
    }
    if let Some(debugger) = &onlookers.debugger {
        vm.attach(Box::new(debugger.clone()), &description.ways_in)?;
    }
    if guest.record.kernel == Some(Stretch::Boot) {
        vm.follow(&description.ways_in, guest.record.inlining)?;
    }
    let mut driver = Driver::new(vm).with_ends(description.ends);
    if let Some(at_choice) = at_choice {
        driver = driver.with_choices(at_choice);
    }
    let outcome = driver.boot()?;
    if guest.record.kernel == Some(Stretch::Steps) {
        let inlining = guest.record.inlining;
        driver.vm_mut().follow(&description.ways_in, inlining)?;
    }
    Ok(Booted {
        driver,
        outcome,
        started,
        onlookers: onlookers.clone(),
    })
}
