//! What a scenario needs of its guest: each step, expectation and option names the reports without which it shows nothing.

use super::Guest;
use crate::promise::Promise;
use crate::scenario::{Clock, Expectation, Operation, Scenario, Schedule, Step};

/// A report without which a part of a scenario shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The report.
    pub promise: Promise,
    /// What needs it: a step with its number and its line in the file, or an option.
    pub by: String,
}

/// What `scenario` needs and `guest` does not promise.
#[must_use]
pub fn unmet(scenario: &Scenario, guest: &Guest) -> Vec<Need> {
    let mut needs = of(scenario);
    needs.retain(|need| !guest.description.promises.has(need.promise));
    needs
}

/// All that `scenario` needs, in the order in which it stands there.
#[must_use]
pub fn of(scenario: &Scenario) -> Vec<Need> {
    let need = |promise, by: &str| Need {
        promise,
        by: by.to_owned(),
    };
    let mut needs = Vec::new();
    match scenario.schedule {
        Some(Schedule::Choices(_)) => needs.push(need(Promise::Schedule, "a schedule that is followed")),
        Some(Schedule::Explore(_)) => needs.push(need(Promise::Schedule, "schedules that are explored")),
        None => {}
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        let line = scenario.step_lines.get(index).copied().unwrap_or_default();
        let by = |what: String| format!("step {}, line {line}: {what}", index + 1);
        match step {
            Step::Tick(_) => needs.push(need(Promise::VirtualClock, &by(step.to_string()))),
            Step::Operation(operation) => {
                let takes_time = matches!(operation.operation, Operation::Sleep { .. });
                if takes_time && scenario.guest.clock == Clock::Virtual {
                    needs.push(need(Promise::VirtualClock, &by(step.to_string())));
                }
                if let Operation::Exec { reports, .. } = &operation.operation {
                    let told = reports.iter().map(|report| need(*report, &by(step.to_string())));
                    needs.extend(told);
                }
            }
            Step::Check(check) => {
                for expectation in &check.expect {
                    let reports = of_expectation(expectation).iter();
                    needs.extend(reports.map(|report| need(*report, &by(expectation.to_string()))));
                }
            }
            Step::Fail(_) => {}
        }
    }
    needs
}

/// The reports with which an expectation is judged.
fn of_expectation(expectation: &Expectation) -> &'static [Promise] {
    match expectation {
        Expectation::FreeFrames { .. } => &[Promise::FrameAccount],
        Expectation::ExitStatus(_) => &[Promise::Ends],
        Expectation::Faulted { .. } => &[Promise::Faults],
        Expectation::Loaded(_) | Expectation::Tracked(_) => &[Promise::UserFaults],
        Expectation::ModulePages(_) => &[Promise::Modules, Promise::FrameAccount],
        Expectation::SameFrame(_)
        | Expectation::DifferentFrames(_)
        | Expectation::Mapped(_)
        | Expectation::NotMapped(_)
        | Expectation::SwappedOut(_)
        | Expectation::Writable(_)
        | Expectation::NotWritable(_)
        | Expectation::Content(_)
        | Expectation::Dirtied { .. }
        | Expectation::Spte { .. }
        | Expectation::FrameKept(_) => &[],
    }
}
