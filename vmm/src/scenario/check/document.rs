//! What concerns the whole document.

use std::path::Path as FilePath;

use abi::boot::{
    CMDLINE_CLOCK, CMDLINE_INIT, CMDLINE_SCHEDULE, CMDLINE_SELF_CHECK, CMDLINE_VIRTIO_MMIO, MAX_MEMORY_MIB,
    MIN_MEMORY_MIB,
};

use super::{CheckError, Findings, Surroundings};
use crate::scenario::language::{
    Budget, Exploration, Functions, GuestOptions, Scenario, Schedule, ServerPlace, Swap, Warehouse,
};
use crate::scenario::path::Path;

/// Options that decide which program runs, how time passes, who decides who goes on and which devices there are: the harness
/// sets them.
const RESERVED_OPTIONS: [&str; 5] = [
    CMDLINE_INIT,
    CMDLINE_SELF_CHECK,
    CMDLINE_CLOCK,
    CMDLINE_SCHEDULE,
    CMDLINE_VIRTIO_MMIO,
];

pub(super) fn check(scenario: &Scenario, surroundings: &Surroundings<'_>, findings: &mut Findings) {
    let root = Path::default();
    file_stem(scenario, surroundings, findings);
    if scenario.description.trim().is_empty() {
        findings.add(
            root.key("description"),
            CheckError::Empty {
                what: "the description",
            },
        );
    }
    guest(&scenario.guest, &root.key("guest"), findings);
    functions(&scenario.functions, &root.key("functions"), findings);
    budget(&scenario.budget, &root.key("budget"), findings);
    if let Some(Schedule::Explore(exploration)) = &scenario.schedule {
        let points = in_range(
            "the number of points",
            exploration.points,
            1,
            Exploration::MAX_POINTS,
        );
        findings.keep(&root.key("schedule").key("explore").key("points"), points);
    }
    if scenario.steps.is_empty() {
        findings.add(
            root.key("steps"),
            CheckError::Empty {
                what: "the list of steps",
            },
        );
    } else if scenario.first_operation().is_none() {
        findings.add(root.key("steps"), CheckError::NoOperation);
    }
}

fn file_stem(scenario: &Scenario, surroundings: &Surroundings<'_>, findings: &mut Findings) {
    let stem = FilePath::new(surroundings.source_name)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    if scenario.name.as_str() != stem {
        let error = CheckError::FileStem {
            found: scenario.name.to_string(),
            file_stem: stem.into_owned(),
        };
        findings.add(Path::default().key("name"), error);
    }
}

fn guest(guest: &GuestOptions, path: &Path, findings: &mut Findings) {
    let memory = in_range(
        "guest memory in MiB",
        guest.memory_mib,
        MIN_MEMORY_MIB,
        MAX_MEMORY_MIB,
    );
    findings.keep(&path.key("memory_mib"), memory);
    if let Some(Swap { mib }) = guest.swap {
        let size = in_range("the size of the disk in MiB", mib, 1, Swap::MAX_MIB);
        findings.keep(&path.key("swap").key("mib"), size);
    }
    for (port, place) in &guest.vsock {
        if let ServerPlace::Warehouse(Warehouse { pages, .. }) = *place {
            let size = in_range("the number of pages", pages, 1, Warehouse::MAX_PAGES);
            let port = path.key("vsock").key(&port.to_string());
            findings.keep(&port.key("warehouse").key("pages"), size);
        }
    }
    for (key, value) in &guest.options {
        let option = path.key("options").key(key);
        if RESERVED_OPTIONS.contains(&key.as_str()) {
            findings.add(option, CheckError::OptionReserved { found: key.clone() });
        } else if key.is_empty() {
            findings.add(
                option,
                CheckError::Empty {
                    what: "the option's name",
                },
            );
        } else if let Some(found) = [key, value]
            .into_iter()
            .find(|text| !stands_on_command_line(text))
        {
            findings.add(option, CheckError::OptionText { found: found.clone() });
        }
    }
}

fn functions(functions: &Functions, path: &Path, findings: &mut Findings) {
    for (name, by_guest) in functions {
        for (guest, part) in by_guest {
            if part.is_empty() {
                let what = "the part of a function's name";
                findings.add(path.key(name.as_str()).key(guest), CheckError::Empty { what });
            }
        }
    }
}

fn stands_on_command_line(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

fn budget(budget: &Budget, path: &Path, findings: &mut Findings) {
    findings.keep(
        &path.key("exits"),
        in_range("the budget of exits", budget.exits, 1, Budget::MAX_EXITS),
    );
    findings.keep(
        &path.key("seconds"),
        in_range("the budget of seconds", budget.seconds, 1, Budget::MAX_SECONDS),
    );
    let answer = in_range(
        "the wait for an answer in ms",
        budget.answer_ms,
        1,
        Budget::MAX_ANSWER_MS,
    );
    findings.keep(&path.key("answer_ms"), answer);
}

pub(super) fn in_range(quantity: &'static str, found: u64, least: u64, most: u64) -> Result<(), CheckError> {
    if (least..=most).contains(&found) {
        Ok(())
    } else {
        Err(CheckError::OutOfRange {
            quantity,
            least,
            most,
            found,
        })
    }
}
