//! Runs a scenario on a guest and judges it. Read [`once`] first: it is the whole pipeline.
//!
//! - [`once`]: one run; `boot`: up to a guest that has booted; `debugging`: a debugger at its steps; `going_on`: whether it goes on after a step that went wrong; `ends`: what the end of its guest says
//! - [`proof`]: within a run, whether processes use the page tables that are judged
//! - `recording`: what is recorded step by step, such as what memory is like ([`recorder`]); [`tracing`]: what the kernel did in a step
//! - `spans`: how long its parts take
//! - [`explore`]: one for each schedule of the guest's threads; `fork`: a process that goes on as two
//! - [`Template`]: a guest that has booted, from which runs fork

mod boot;
mod debugging;
mod ends;
mod explore;
mod fork;
mod going_on;
mod once;
mod proof;
mod recorder;
mod recording;
mod spans;
mod template;
mod tracing;

use kvm_ioctls::Kvm;

use boot::Setting;
pub(crate) use fork::fork;
pub use template::Template;

use crate::debugger::Session;
use crate::draws::Draws;
use crate::guest::{Guest, needs};
use crate::report::{Report, Verdict};
use crate::scenario::{Scenario, Schedule};
use crate::snapshots::Keeper;
use crate::vm::VmError;

/// Who looks at a run while it goes on. With anybody there, the scenario explores no schedules, and with a debugger nobody follows the kernel.
#[derive(Clone, Default)]
pub struct Onlookers {
    /// A debugger.
    pub debugger: Option<Session>,
    /// Somebody who keeps what memory is like after each line of the report.
    pub keeper: Option<Keeper>,
}

impl Onlookers {
    pub(crate) fn is_empty(&self) -> bool {
        self.debugger.is_none() && self.keeper.is_none()
    }
}

/// Runs a scenario and judges it: once, or once for each of the schedules that it wants explored.
///
/// # Errors
/// The host cannot run a guest. What the guest does wrong is in the report.
pub fn run(kvm: &Kvm, guest: &Guest, scenario: &Scenario) -> Result<Report, VmError> {
    run_with(&Onlookers::default(), kvm, guest, scenario)
}

/// The same, with somebody who looks at it.
///
/// # Errors
/// The host cannot run a guest, or keep what is to be kept of it.
pub fn run_with(
    onlookers: &Onlookers,
    kvm: &Kvm,
    guest: &Guest,
    scenario: &Scenario,
) -> Result<Report, VmError> {
    let report = drawn(guest, scenario, |scenario| runs(kvm, guest, scenario, onlookers))?;
    if let Some(keeper) = &onlookers.keeper {
        keeper.finish().map_err(VmError::Snapshots)?;
    }
    Ok(report)
}

/// Has a scenario run that the guest can run, with the contents that are drawn for it.
fn drawn(
    guest: &Guest,
    scenario: &Scenario,
    runs: impl FnOnce(&Scenario) -> Result<Report, VmError>,
) -> Result<Report, VmError> {
    let unmet = needs::unmet(scenario, guest);
    if !unmet.is_empty() {
        return Ok(Report::refused(scenario, &unmet));
    }
    let seed = guest
        .seed
        .or_else(|| scenario.vary.then(|| Draws::default().next()));
    let Some(seed) = seed else {
        return runs(scenario);
    };
    let mut scenario = scenario.clone();
    scenario.draw(seed);
    let mut report = runs(&scenario)?;
    // A seed that nobody has chosen says nothing of a run that passed, and would be another one each time.
    report.seed = Some(seed).filter(|_| guest.seed.is_some() || report.verdict != Verdict::Pass);
    Ok(report)
}

fn runs(kvm: &Kvm, guest: &Guest, scenario: &Scenario, onlookers: &Onlookers) -> Result<Report, VmError> {
    let setting = Setting {
        kvm,
        guest,
        scenario,
        programs: &guest.texts(scenario)?,
        onlookers,
    };
    match &scenario.schedule {
        Some(Schedule::Explore(exploration)) => explore::explore(setting, *exploration),
        Some(Schedule::Choices(choices)) => Ok(once::once(setting, choices, None)?.report),
        None => Ok(once::once(setting, &[], None)?.report),
    }
}
