//! What a scenario needs of its guest: each step, expectation and option names the reports, and what a kernel must offer, without which
//! it shows nothing.

use std::fmt;

use super::command_line::option_word;
use super::{Description, Guest};
use crate::offer::Offer;
use crate::promise::Promise;
use crate::scenario::{Clock, Expectation, Operation, Scenario, Schedule, Step};

/// What a guest may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// A report.
    Report(Promise),
    /// Something that its kernel offers.
    Offer(Offer),
    /// What its kernel's functions are called, by the scenario.
    Functions,
}

impl fmt::Display for Needed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Needed::Report(promise) => promise.fmt(formatter),
            Needed::Offer(offer) => offer.fmt(formatter),
            Needed::Functions => formatter.write_str("names of the functions of this guest's kernel"),
        }
    }
}

impl Needed {
    /// What is to be said of a guest that lacks it.
    #[must_use]
    pub fn lacking(self) -> String {
        match self {
            Needed::Report(promise) => format!("this guest does not promise them ({})", promise.name()),
            Needed::Offer(offer) => format!("this guest does not offer it ({})", offer.name()),
            Needed::Functions => "the scenario's \"functions\" have none for it".to_owned(),
        }
    }
}

/// Something without which a part of a scenario shows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What it is.
    pub what: Needed,
    /// What needs it: a step with its number and its line in the file, or an option.
    pub by: String,
}

/// What `scenario` needs, and `guest` neither promises nor offers.
#[must_use]
pub fn unmet(scenario: &Scenario, guest: &Guest) -> Vec<Need> {
    let mut needs = of(scenario, &guest.modules);
    needs.retain(|need| match need.what {
        Needed::Report(promise) => !guest.description.promises.has(promise),
        Needed::Offer(Offer::Options) if has_all_options(scenario, guest) => false,
        Needed::Offer(offer) => !guest.description.offers.has(offer),
        Needed::Functions => !has_all_functions(scenario, &guest.description),
    });
    needs
}

/// Whether the guest's command line says already what the scenario's options do.
fn has_all_options(scenario: &Scenario, guest: &Guest) -> bool {
    let mut options = scenario.guest.options.iter();
    options.all(|(key, value)| guest.options.contains(&option_word(key, value)))
}

/// Whether the scenario says of every function what this guest's kernel calls it.
fn has_all_functions(scenario: &Scenario, guest: &Description) -> bool {
    let mut functions = scenario.functions.values();
    functions.all(|parts| parts.contains_key(&guest.name))
}

/// All that `scenario` needs, in the order in which it stands there. `modules` are those of this project: of others only their user knows
/// what they are for.
#[must_use]
pub fn of(scenario: &Scenario, modules: &[String]) -> Vec<Need> {
    let need = |promise, by: &str| Need {
        what: Needed::Report(promise),
        by: by.to_owned(),
    };
    let mut needs = of_the_machine(scenario);
    match scenario.schedule {
        Some(Schedule::Choices(_)) => needs.push(need(Promise::Schedule, "a schedule that is followed")),
        Some(Schedule::Explore(_)) => needs.push(need(Promise::Schedule, "schedules that are explored")),
        None => {}
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        let line = scenario.step_lines.get(index).copied().unwrap_or_default();
        let by = |what: String| format!("step {}, line {line}: {what}", index + 1);
        if let Some(name) = scenario.trace_of(index + 1) {
            needs.push(Need {
                what: Needed::Offer(Offer::Symbols),
                by: by(format!("the record {name}")),
            });
        }
        match step {
            Step::Tick(_) => needs.push(need(Promise::VirtualClock, &by(step.to_string()))),
            Step::Operation(operation) => {
                let takes_time = matches!(operation.operation, Operation::Sleep { .. });
                if takes_time && scenario.guest.clock == Clock::Virtual {
                    needs.push(need(Promise::VirtualClock, &by(step.to_string())));
                }
                needs.extend(of_operation(&operation.operation, modules).map(|offer| Need {
                    what: Needed::Offer(offer),
                    by: by(step.to_string()),
                }));
            }
            Step::Check(check) => {
                for expectation in &check.expect {
                    let reports = of_expectation(expectation).iter();
                    needs.extend(reports.map(|report| need(*report, &by(expectation.to_string()))));
                    if let Expectation::Calls(_) = expectation {
                        let whats = [Needed::Offer(Offer::Symbols), Needed::Functions];
                        needs.extend(whats.map(|what| Need {
                            what,
                            by: by(expectation.to_string()),
                        }));
                    }
                }
            }
            Step::Fail(_) => {}
        }
    }
    needs
}

/// What the scenario has in its guest's machine and on its command line.
fn of_the_machine(scenario: &Scenario) -> Vec<Need> {
    let guest = &scenario.guest;
    let uses = [
        (guest.swap.is_some(), Offer::Swap, "swap"),
        (!guest.vsock.is_empty(), Offer::Sockets, "vsock"),
        (!guest.options.is_empty(), Offer::Options, "options"),
    ];
    let used = uses.into_iter().filter(|(is_used, _, _)| *is_used);
    let named = guest.needs.iter().map(|offer| (*offer, "needs"));
    used.map(|(_, offer, key)| (offer, key))
        .chain(named)
        .map(|(offer, key)| Need {
            what: Needed::Offer(offer),
            by: format!("the guest's \"{key}\""),
        })
        .collect()
}

/// What a kernel must offer for an operation.
fn of_operation(operation: &Operation, modules: &[String]) -> Option<Offer> {
    let is_ours = |path: &String| {
        modules
            .iter()
            .any(|module| path.trim_start_matches('/') == module)
    };
    match operation {
        Operation::ShadowptOpen { .. }
        | Operation::ShadowptClose
        | Operation::ShadowptStart
        | Operation::ShadowptStop
        | Operation::ShadowptPageContents { .. } => Some(Offer::ShadowPageTable),
        Operation::FailNth { .. } => Some(Offer::FailNth),
        Operation::Exec { args, .. } if args.iter().any(is_ours) => Some(Offer::Modules),
        Operation::Exec { .. }
        | Operation::Mmap { .. }
        | Operation::Munmap { .. }
        | Operation::Mprotect { .. }
        | Operation::Madvise { .. }
        | Operation::Brk { .. }
        | Operation::TouchStack { .. }
        | Operation::StackRoom { .. }
        | Operation::Read(_)
        | Operation::Write(_)
        | Operation::CopyToUser(_)
        | Operation::CopyFromUser(_)
        | Operation::MemWrite(_)
        | Operation::MemRead(_)
        | Operation::Fork { .. }
        | Operation::ForkUntil { .. }
        | Operation::Exit { .. }
        | Operation::Wait { .. }
        | Operation::Finish
        | Operation::SchedYield
        | Operation::Execve { .. }
        | Operation::Kill { .. }
        | Operation::Sleep { .. }
        | Operation::Getppid { .. }
        | Operation::Setuid { .. }
        | Operation::Pagemap { .. }
        | Operation::Spin => None,
    }
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
        | Expectation::FrameKept(_)
        | Expectation::Diff(_)
        | Expectation::Calls(_) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(guest: &str, step: &str) -> Vec<Needed> {
        let text = format!(
            r#"{{ "name": "needs", "description": "What a step needs.", "guest": {{ {guest} }}, "steps": [ {step} ] }}"#
        );
        let programs = ["insmod".to_owned()];
        let scenario = Scenario::parse("needs.json", &text, &programs).unwrap();
        of(&scenario, &["hello.ko".to_owned()])
            .iter()
            .map(|need| need.what)
            .collect()
    }

    const FORK: &str = r#"{ "in": "parent", "do": "fork", "as": "child" }"#;

    #[test]
    fn what_a_machine_or_a_command_line_has_must_be_offered() {
        let swap = needed(r#""swap": { "mib": 1 }"#, FORK);
        assert_eq!(swap, [Needed::Offer(Offer::Swap)]);
        let options = needed(r#""options": { "fork": "copy" }"#, FORK);
        assert_eq!(options, [Needed::Offer(Offer::Options)]);
        let named = needed(r#""needs": ["shadow-page-table"]"#, FORK);
        assert_eq!(named, [Needed::Offer(Offer::ShadowPageTable)]);
        assert_eq!(needed("", FORK), []);
    }

    #[test]
    fn calls_need_symbols_and_names_for_the_guests_functions() {
        let text = |guest: &str| {
            let functions = format!(r#"{{ "fault": {{ "{guest}": "fault" }} }}"#);
            let calls = r#"{ "check": "x", "expect": [ { "calls": { "never": ["fault"] } } ] }"#;
            format!(
                r#"{{ "name": "needs", "description": "x", "functions": {functions}, "steps": [ {FORK}, {calls} ] }}"#
            )
        };
        let parse = |guest| Scenario::parse("needs.json", &text(guest), &[]).unwrap();
        let needs = of(&parse("ringside"), &[]);
        let what: Vec<Needed> = needs.iter().map(|need| need.what).collect();
        assert_eq!(what, [Needed::Offer(Offer::Symbols), Needed::Functions]);
        assert_eq!(needs[1].by, "step 2, line 1: the kernel never calls fault");
        let ours = crate::guest::ringside::description();
        assert!(has_all_functions(&parse("ringside"), &ours));
        assert!(!has_all_functions(&parse("linux"), &ours));
    }

    #[test]
    fn a_module_must_be_one_that_the_kernel_loads_and_a_tick_one_that_it_waits_for() {
        let module = r#"{ "in": "parent", "do": "exec", "program": "insmod", "args": ["hello.ko"] }"#;
        assert_eq!(needed("", module), [Needed::Offer(Offer::Modules)]);
        assert_eq!(
            needed("", &module.replace("hello", "/hello")),
            [Needed::Offer(Offer::Modules)]
        );
        assert_eq!(needed("", &module.replace("hello", "a-user's")), []);
        assert_eq!(
            needed("", &format!(r#"{FORK}, {{ "tick": 1 }}"#)),
            [Needed::Report(Promise::VirtualClock)]
        );
    }
}
