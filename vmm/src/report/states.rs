//! What became of the processes of a run, drawn as a Mermaid state diagram.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::judge::life::{History, Place, ProcessHistory};

/// The diagram. `name_of` gives the scenario's names for processes; others are called after who made them.
pub(crate) fn draw(history: &History, name_of: impl Fn(u32) -> Option<String>) -> String {
    let names = names(history, name_of);
    let mut text = String::from("stateDiagram-v2\n");
    for (index, process) in history.processes().iter().enumerate() {
        process_states(&mut text, index, process, &names);
    }
    text
}

/// Names by process id. A process that no scenario names is a program, and counted among those of its parent.
fn names(history: &History, name_of: impl Fn(u32) -> Option<String>) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    let mut programs = BTreeMap::<u32, u32>::new();
    for process in history.processes() {
        let name = name_of(process.pid).unwrap_or_else(|| {
            let count = programs.entry(process.parent).or_default();
            *count += 1;
            let parent = names.get(&process.parent).map_or("nobody", String::as_str);
            format!("program {count} of {parent}")
        });
        names.insert(process.pid, name);
    }
    names
}

fn process_states(text: &mut String, index: usize, process: &ProcessHistory, names: &BTreeMap<u32, String>) {
    let name_of = |pid: u32| names.get(&pid).map_or("nobody", String::as_str);
    let state = |place: Place| match place {
        Place::Nowhere => "[*]".to_owned(),
        place => format!("p{index}_{}", place.to_string().replace(' ', "_")),
    };
    let _ = writeln!(text, "    state \"{}\" as p{index} {{", name_of(process.pid));
    let places: BTreeSet<Place> = process
        .steps
        .iter()
        .flat_map(|(step, _)| [step.from, step.to])
        .filter(|place| *place != Place::Nowhere)
        .collect();
    for place in places {
        let _ = writeln!(text, "        state \"{place}\" as {}", state(place));
    }
    for (step, count) in &process.steps {
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
