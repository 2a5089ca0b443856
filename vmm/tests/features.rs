//! Which features the shipped scenarios use one after another: `docs/feature-pairs.md`, made of what they do. Nearly every fault that a
//! suite misses is in a pair of features that it has singly, so the table shows its holes.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/document.rs"]
mod document;
#[path = "support/shipped.rs"]
mod shipped;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use abi::linux::mman::{MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_PAGEOUT};
use vmm::image::{self, ImageKind};
use vmm::scenario::{
    Expected, Operation, OperationStep, Placement, Protection, Scenario, Sharing, Step, collect,
};

const DOCUMENT: &str = "docs/feature-pairs.md";

const BEFORE: &str = "\
# Features, one after another

Each row is something that a process does in a scenario, and each column something that the same scenario does later; the number says in how many
of the shipped scenarios. Only what succeeds counts, and only what scenarios do step by step: programs, which do much more, are one column. An empty
place is a pair that no scenario has. Some of them mean nothing, such as a fork of the same process after its end; the others are where faults
hide, since a kernel is mostly wrong in what two of its features have to do with each other.

The table is made by `cargo test --test features`, which fails when it is not what the scenarios do.

";

/// A feature: its name, and whether a step uses it.
type Feature = (&'static str, fn(&Operation) -> bool);

const FEATURES: &[Feature] = &[
    ("private memory", |operation| {
        is_mapped(operation, Sharing::Private, false)
    }),
    ("shared memory", |operation| {
        is_mapped(operation, Sharing::Shared, false)
    }),
    ("private file", |operation| {
        is_mapped(operation, Sharing::Private, true)
    }),
    ("shared file", |operation| {
        is_mapped(operation, Sharing::Shared, true)
    }),
    ("over another area", |operation| {
        matches!(
            operation,
            Operation::Mmap {
                at: Some(_),
                placement: Placement::Fixed,
                ..
            }
        )
    }),
    ("heap", |operation| matches!(operation, Operation::Brk { .. })),
    ("stack", |operation| {
        matches!(
            operation,
            Operation::TouchStack { .. } | Operation::StackRoom { .. }
        )
    }),
    ("load", |operation| matches!(operation, Operation::Read(_))),
    ("store", |operation| matches!(operation, Operation::Write(_))),
    ("kernel's load", |operation| {
        matches!(operation, Operation::CopyFromUser(_) | Operation::MemRead(_))
    }),
    ("kernel's store", |operation| {
        matches!(operation, Operation::CopyToUser(_) | Operation::MemWrite(_))
    }),
    (
        "protection",
        |operation| matches!(operation, Operation::Mprotect { prot, .. } if *prot != Protection::None),
    ),
    ("no access", |operation| {
        matches!(
            operation,
            Operation::Mprotect {
                prot: Protection::None,
                ..
            } | Operation::Mmap {
                prot: Protection::None,
                ..
            }
        )
    }),
    ("unmapping", |operation| {
        matches!(operation, Operation::Munmap { .. })
    }),
    ("dropping", |operation| {
        advice(operation).is_some_and(|number| DROPS.contains(&number))
    }),
    ("to the disk", |operation| advice(operation) == Some(MADV_PAGEOUT)),
    ("other advice", |operation| {
        advice(operation).is_some_and(|number| number != MADV_PAGEOUT && !DROPS.contains(&number))
    }),
    ("fork", |operation| {
        matches!(operation, Operation::Fork { .. } | Operation::ForkUntil { .. })
    }),
    ("execve", |operation| {
        matches!(operation, Operation::Execve { .. })
    }),
    ("program", |operation| matches!(operation, Operation::Exec { .. })),
    ("exit", |operation| matches!(operation, Operation::Exit { .. })),
    ("kill", |operation| matches!(operation, Operation::Kill { .. })),
    ("wait", |operation| matches!(operation, Operation::Wait { .. })),
    ("sleep", |operation| matches!(operation, Operation::Sleep { .. })),
    ("another user", |operation| {
        matches!(operation, Operation::Setuid { .. })
    }),
    ("page map", |operation| {
        matches!(operation, Operation::Pagemap { .. })
    }),
    ("shadow table", |operation| {
        matches!(
            operation,
            Operation::ShadowptOpen { .. } | Operation::ShadowptStart
        )
    }),
];

/// Advice after which pages are gone.
const DROPS: [u64; 3] = [MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE];

fn advice(operation: &Operation) -> Option<u64> {
    match operation {
        Operation::Madvise { advice, .. } => Some(advice.number()),
        _ => None,
    }
}

fn is_mapped(operation: &Operation, wanted: Sharing, of_file: bool) -> bool {
    matches!(operation, Operation::Mmap { sharing, file, .. } if *sharing == wanted && file.is_some() == of_file)
}

/// The features that a step uses, by their places in the list.
fn features(step: &Step) -> Vec<usize> {
    let Step::Operation(OperationStep {
        operation,
        expected: Expected::Success,
        ..
    }) = step
    else {
        return Vec::new();
    };
    let used = FEATURES
        .iter()
        .enumerate()
        .filter(|(_, (_, uses))| uses(operation));
    used.map(|(index, _)| index).collect()
}

/// Which features a scenario uses after which others.
fn pairs(scenario: &Scenario) -> BTreeSet<(usize, usize)> {
    let (mut before, mut pairs) = (BTreeSet::new(), BTreeSet::new());
    for step in &scenario.steps {
        let now = features(step);
        pairs.extend(
            before
                .iter()
                .flat_map(|first| now.iter().map(|then| (*first, *then))),
        );
        before.extend(now);
    }
    pairs
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn made(scenarios: &[Scenario]) -> String {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for pair in scenarios.iter().flat_map(pairs) {
        *counts.entry(pair).or_default() += 1;
    }
    let mut text = BEFORE.to_owned();
    let names: Vec<&str> = FEATURES.iter().map(|(name, _)| *name).collect();
    writeln!(text, "| first, then | {} |", names.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(names.len())).unwrap();
    for (first, name) in names.iter().enumerate() {
        let count = |then| {
            counts
                .get(&(first, then))
                .map(usize::to_string)
                .unwrap_or_default()
        };
        let counts: Vec<String> = (0..names.len()).map(count).collect();
        writeln!(text, "| {name} | {} |", counts.join(" | ")).unwrap();
    }
    let all = names.len() * names.len();
    writeln!(text, "\n{} of {all} pairs are used.", counts.len()).unwrap();
    text
}

fn shipped() -> Vec<Scenario> {
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let files = collect(&[root().join("scenarios")]).unwrap();
    files.iter().map(|file| shipped::read(file, &image)).collect()
}

#[test]
fn the_table_is_what_the_scenarios_do() {
    document::holds(DOCUMENT, &made(&shipped()));
}

/// That order counts, that what is refused does not, and that each feature is used by some scenario.
#[test]
fn a_pair_is_what_succeeds_and_what_comes_later() {
    let text = r#"{ "name": "one", "description": "d", "steps": [
        { "in": "parent", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
        { "in": "parent", "do": "execve", "program": "no-such-program", "errno": "ENOENT" },
        { "in": "parent", "do": "fork", "as": "child" } ] }"#;
    let scenario = Scenario::parse("one.json", text, &[]).unwrap();
    let named: Vec<_> = pairs(&scenario)
        .into_iter()
        .map(|(first, then)| (FEATURES[first].0, FEATURES[then].0))
        .collect();
    assert_eq!(named, [("private memory", "fork")]);
    let used: BTreeSet<usize> = shipped()
        .iter()
        .flat_map(|each| each.steps.iter().flat_map(features))
        .collect();
    let unused: Vec<&str> = (0..FEATURES.len())
        .filter(|index| !used.contains(index))
        .map(|index| FEATURES[index].0)
        .collect();
    assert_eq!(unused, Vec::<&str>::new());
}
