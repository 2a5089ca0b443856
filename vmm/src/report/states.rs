//! What became of the processes of a run, drawn as a Mermaid state diagram.
//!
//! With a clock that runs by itself, when an interrupt comes differs from run to run, and with it how often a process gives way
//! and whether it must wait for one that may have ended already. The diagram is the same all the same: that a process may give way
//! is drawn once for each that ran, and a sleep if it was a sleep for a time or outlasted a step. How processes begin and end is
//! drawn in full.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use abi::thread::{TIMER, sleep_reason_name};

use crate::judge::life::{History, Place, ProcessHistory, Transition};
use crate::printable::Printable;
use crate::scenario::Clock;

/// Stands above a diagram that leaves something out.
const REAL_CLOCK: &str =
    "    %% The clock is real: how often processes run, and waits within a step, are not drawn.\n";

/// The diagram. `name_of` gives the scenario's names for processes; others are called after who made them.
pub(crate) fn draw(history: &History, clock: Clock, name_of: impl Fn(u32) -> Option<String>) -> String {
    let names = names(history, name_of);
    let mut text = String::from("stateDiagram-v2\n");
    if clock == Clock::Real {
        text.push_str(REAL_CLOCK);
    }
    for (index, process) in families(history).into_iter().enumerate() {
        let steps = match clock {
            Clock::Virtual => process.steps.clone(),
            Clock::Real => certain_steps(process),
        };
        process_states(&mut text, index, process, &steps, &names);
    }
    text
}

/// Names by process id. A process that no scenario names is a program, and counted among those of its parent.
fn names(history: &History, name_of: impl Fn(u32) -> Option<String>) -> BTreeMap<u32, Printable> {
    let mut names = BTreeMap::new();
    let mut programs = BTreeMap::<u32, u32>::new();
    for process in history.processes() {
        let name = name_of(process.pid).unwrap_or_else(|| {
            let count = programs.entry(process.parent).or_default();
            *count += 1;
            let parent = names.get(&process.parent).map_or("nobody", Printable::as_str);
            format!("program {count} of {parent}")
        });
        // A quotation mark would end the name in the diagram.
        names.insert(process.pid, Printable::name(&name.replace('"', "#quot;")));
    }
    names
}

/// Every process, and after each those that it made, oldest first: who makes one sooner than somebody else is the scheduler's
/// affair.
fn families(history: &History) -> Vec<&ProcessHistory> {
    let processes = history.processes();
    let mut newest = BTreeMap::<u32, usize>::new();
    let mut children = vec![Vec::new(); processes.len()];
    let mut first = Vec::new();
    for (index, process) in processes.iter().enumerate() {
        match newest.get(&process.parent) {
            Some(&parent) => children[parent].push(index),
            None => first.push(index),
        }
        newest.insert(process.pid, index);
    }
    let mut families = Vec::new();
    let mut next: Vec<usize> = first.into_iter().rev().collect();
    while let Some(index) = next.pop() {
        families.push(&processes[index]);
        next.extend(children[index].iter().rev());
    }
    families
}

/// The steps that no interrupt decides about, in an order that none decides about either.
fn certain_steps(process: &ProcessHistory) -> Vec<(Transition, u64)> {
    let mut steps = Vec::new();
    for (step, count) in &process.steps {
        match (step.from, step.to) {
            (Place::Runnable, Place::Running) => {
                steps.push((step.clone(), 1));
                let (from, to, cause) = (step.to, step.from, "may give way".to_owned());
                steps.push((Transition { from, to, cause }, 1));
            }
            (Place::Running, Place::Runnable) => {}
            (Place::Sleeping(_), _) | (_, Place::Sleeping(_)) => {
                if is_certain(process, step.from) || is_certain(process, step.to) {
                    steps.push((step.clone(), 1));
                }
            }
            _ => steps.push((step.clone(), *count)),
        }
    }
    steps.sort_by_key(|(step, _)| (step.from, step.to));
    steps
}

/// Whether the scenario alone brings it about that the process sleeps there.
fn is_certain(process: &ProcessHistory, place: Place) -> bool {
    match place {
        Place::Sleeping(reason) => {
            sleep_reason_name(TIMER) == Some(reason) || process.seen_in.contains(&place)
        }
        _ => false,
    }
}

fn process_states(
    text: &mut String,
    index: usize,
    process: &ProcessHistory,
    steps: &[(Transition, u64)],
    names: &BTreeMap<u32, Printable>,
) {
    let name_of = |pid: u32| names.get(&pid).map_or("nobody", Printable::as_str);
    let state = |place: Place| match place {
        Place::Nowhere => "[*]".to_owned(),
        place => format!("p{index}_{}", place.to_string().replace(' ', "_")),
    };
    let _ = writeln!(text, "    state \"{}\" as p{index} {{", name_of(process.pid));
    let places: BTreeSet<Place> = steps
        .iter()
        .flat_map(|(step, _)| [step.from, step.to])
        .filter(|place| *place != Place::Nowhere)
        .collect();
    for place in places {
        let _ = writeln!(text, "        state \"{place}\" as {}", state(place));
    }
    for (step, count) in steps {
        let by = match step.from {
            Place::Nowhere if step.cause == "fork" && process.parent != 0 => {
                format!(" by {}", name_of(process.parent))
            }
            _ => String::new(),
        };
        let times = if *count > 1 {
            format!(", {count} times")
        } else {
            String::new()
        };
        let (from, to) = (state(step.from), state(step.to));
        let _ = writeln!(text, "        {from} --> {to} : {}{by}{times}", step.cause);
    }
    if let Some(parent) = process.reaped_by {
        let _ = writeln!(
            text,
            "        {} --> [*] : taken by {}",
            state(Place::Zombie),
            name_of(parent)
        );
    }
    text.push_str("    }\n");
    if let Some(parent) = process.adopted_by {
        let _ = writeln!(
            text,
            "    note right of p{index} : adopted by {}",
            name_of(parent)
        );
    }
}

#[cfg(test)]
mod tests {
    use abi::thread::{CHILD, ENDED, RUNNABLE, SLEEPING};

    use super::*;
    use crate::address::PhysAddr;
    use crate::channel::Event;
    use crate::judge::Judge;
    use crate::promise::Promises;

    fn created(pid: u32, parent: u32) -> Event {
        let page_table = PhysAddr(0x1000);
        Event::Created {
            pid,
            parent,
            page_table,
        }
    }

    fn switched(previous: u32, state: u64, reason: u64, next: u32) -> Event {
        Event::Switched {
            next,
            previous,
            state,
            reason,
        }
    }

    /// What is drawn of process 1, which makes 2 and 3 and takes 2, when `between` happens before 2 ends.
    fn drawn(clock: Clock, between: &[Event]) -> String {
        let start = [created(1, 0), switched(0, ENDED, 0, 1), created(2, 1)];
        let end = [
            Event::Exited { pid: 2, status: 0 },
            switched(2, ENDED, 0, 1),
            Event::Reaped { pid: 2 },
        ];
        let mut judge = Judge::new(Promises::all());
        judge.note([&start, between, &end].concat());
        draw(judge.history(), clock, |_| None)
    }

    /// 1 makes 3, and gives way so that 2 runs: at once, or after two slices of each, or because it waits for 2, which was not
    /// needed before; and 2 makes a process before or after 1 does.
    fn ways() -> [Vec<Event>; 3] {
        let (to_2, to_1) = (switched(1, RUNNABLE, 0, 2), switched(2, RUNNABLE, 0, 1));
        let waits = switched(1, SLEEPING, CHILD, 2);
        [
            vec![created(3, 1), to_2.clone(), created(4, 2)],
            vec![to_2.clone(), created(4, 2), to_1, created(3, 1), to_2],
            vec![created(3, 1), waits, created(4, 2), Event::Woken { thread: 1 }],
        ]
    }

    #[test]
    fn whatever_a_real_clock_interrupts_the_diagram_is_the_same() {
        let [at_once, sliced, waiting] = ways().map(|way| drawn(Clock::Real, &way));
        assert_eq!(at_once, sliced);
        assert_eq!(at_once, waiting);
        assert!(at_once.contains("may give way"), "{at_once}");
        assert!(at_once.contains("exited with 0"), "{at_once}");
        assert!(at_once.starts_with(&format!("stateDiagram-v2\n{REAL_CLOCK}")));
    }

    #[test]
    fn with_a_clock_that_only_the_vmm_moves_every_step_is_drawn() {
        let [at_once, sliced, waiting] = ways().map(|way| drawn(Clock::Virtual, &way));
        assert!(
            at_once.contains("gives way\n") && !at_once.contains("asleep"),
            "{at_once}"
        );
        assert!(sliced.contains("gives way, 2 times\n"), "{sliced}");
        assert!(waiting.contains("asleep on child"), "{waiting}");
    }

    #[test]
    fn a_sleep_for_a_time_is_drawn_whoever_has_the_clock() {
        let sleeps = switched(1, SLEEPING, TIMER, 2);
        let text = drawn(Clock::Real, &[sleeps, Event::Woken { thread: 1 }]);
        assert!(
            text.contains("p0_running --> p0_asleep_on_timer : sleeps\n"),
            "{text}"
        );
        assert!(
            text.contains("p0_asleep_on_timer --> p0_runnable : woken\n"),
            "{text}"
        );
    }
}
