//! Runs a scenario on a guest and judges it. Read [`once`] first: it is the whole pipeline.
//!
//! - [`once`]: one run; `boot`: up to a guest that has booted; `debugging`: a debugger at its steps; `going_on`: whether it goes on after a step that went wrong; `ends`: what the end of its guest says
//! - [`proof`]: within a run, whether processes use the page tables that are judged
//! - [`recorder`]: what memory is like after each step; [`tracing`]: what the kernel did in it
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
use crate::vm::VmError;

/// Runs a scenario and judges it: once, or once for each of the schedules that it wants explored.
///
/// # Errors
/// The host cannot run a guest. What the guest does wrong is in the report.
pub fn run(kvm: &Kvm, guest: &Guest, scenario: &Scenario) -> Result<Report, VmError> {
    drawn(guest, scenario, |scenario| runs(kvm, guest, scenario, None))
}

/// The same, with a debugger that looks at it. The scenario explores no schedules, and nobody follows the kernel.
///
/// # Errors
/// The host cannot run a guest.
pub fn debug(kvm: &Kvm, guest: &Guest, scenario: &Scenario, debugger: &Session) -> Result<Report, VmError> {
    drawn(guest, scenario, |scenario| {
        runs(kvm, guest, scenario, Some(debugger))
    })
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

fn runs(
    kvm: &Kvm,
    guest: &Guest,
    scenario: &Scenario,
    debugger: Option<&Session>,
) -> Result<Report, VmError> {
    let setting = Setting {
        kvm,
        guest,
        scenario,
        programs: &guest.texts(scenario)?,
        debugger,
    };
    match &scenario.schedule {
        Some(Schedule::Explore(exploration)) => explore::explore(setting, *exploration),
        Some(Schedule::Choices(choices)) => Ok(once::once(setting, choices, None)?.report),
        None => Ok(once::once(setting, &[], None)?.report),
    }
}
