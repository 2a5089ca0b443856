//! Random sequences: those of fixed seeds pass, and one that meets a deliberate fault becomes a short scenario that shows it.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/guest.rs"]
mod guest;

use std::fs;
use std::process::Command;

use vmm::fuzz::{Fuzzer, Plan, Tried};
use vmm::guest::{Guest, ringside};
use vmm::image::{GuestImage, ImageKind};
use vmm::report::Verdict;
use vmm::report::text::{Colour, Detail, render};
use vmm::rule::Rule;
use vmm::scenario::{Scenario, ScenarioName};

/// Steps that must have passed.
const STEPS: usize = 1000;
/// Moves of a sequence on average.
const MOVES: usize = 60;

/// Tries seeds from 1 on with a guest that boots once, as long as `goes_on` with what came of each.
fn try_seeds(image: &GuestImage, options: &[String], mut goes_on: impl FnMut(Tried) -> bool) {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest::new(ringside::description(), image, options).expect("the image has an archive");
    let name = ScenarioName::try_from("found".to_owned()).expect("a name");
    let mut fuzzer = Fuzzer::new(&kvm, &guest, &image.programs, &name).expect("the host can run a guest");
    for seed in 1.. {
        let plan = Plan { seed, moves: MOVES };
        if !goes_on(fuzzer.try_one(plan).expect("the host can run a guest")) {
            return;
        }
    }
}

#[test]
fn a_thousand_random_steps_pass() {
    let mut steps = 0;
    try_seeds(guest::image(ImageKind::Shipped), &[], |tried| match tried {
        Tried::Passed { steps: more } => {
            steps += more;
            steps < STEPS
        }
        Tried::Failed { text, report } => {
            panic!("{text}\n{}", render(&report, Colour::Plain, Detail::Full))
        }
    });
}

/// Deliberate faults, and the rule that the sequence breaks which is found.
const FAULTS: &[(&str, Rule)] = &[
    ("shadow-madvise-untracked", Rule::ShadowTable),
    ("kernel-store-ignores-cow", Rule::Contents),
    ("noreplace-replaces", Rule::Result),
];

#[test]
fn a_fault_is_found_and_becomes_a_short_scenario_that_shows_it() {
    let image = guest::image(ImageKind::Mutants);
    for (mutant, rule) in FAULTS {
        let options = [format!("mutant={mutant}")];
        let (mut found, mut tries) = (None, 0);
        try_seeds(image, &options, |tried| {
            if let Tried::Failed { text, .. } = tried {
                found = Some(text);
            }
            tries += 1;
            found.is_none() && tries < 50
        });
        let text = found.unwrap_or_else(|| panic!("one of fifty sequences meets {mutant}"));
        let scenario = Scenario::parse("found.json", &text, &image.programs).unwrap();
        assert!(scenario.steps.len() <= 20, "not short:\n{text}");

        let wrong = guest::run(image, &scenario, &options);
        assert_eq!(wrong.verdict, Verdict::Fail);
        assert!(
            wrong.findings().any(|finding| finding.rule == *rule),
            "{mutant}:\n{text}"
        );
        assert_eq!(guest::run(image, &scenario, &[]).verdict, Verdict::Pass);
    }
}

/// What `vmm fuzz` says of each seed and the scenario that it writes, if any.
fn told(image: &GuestImage, arguments: &[&str]) -> (Vec<String>, Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let found = folder.path().join("found.json");
    let output = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .args(["fuzz", "--moves", "60", "--image"])
        .arg(image.kernel.parent().unwrap())
        .arg("--out")
        .arg(&found)
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let seeds = text.lines().filter(|line| line.starts_with("seed "));
    // How long it took is no part of what was found.
    let seeds = seeds.map(|line| line.split(';').next().unwrap_or_default().to_owned());
    (seeds.collect(), fs::read_to_string(found).ok())
}

#[test]
fn what_is_found_depends_neither_on_forks_nor_on_the_number_of_workers() {
    let image = guest::image(ImageKind::Shipped);
    let forked = told(image, &["--sequences", "3", "--jobs", "2"]);
    assert_eq!(
        forked,
        told(image, &["--sequences", "3", "--jobs", "1", "--fresh"])
    );
    assert_eq!((forked.0.len(), forked.1), (3, None));

    let image = guest::image(ImageKind::Mutants);
    let mutant = ["--option", "mutant=shadow-madvise-untracked"];
    let forked = told(image, &[&mutant[..], &["--jobs", "2"]].concat());
    assert_eq!(
        forked,
        told(image, &[&mutant[..], &["--jobs", "1", "--fresh"]].concat())
    );
    assert!(forked.1.is_some(), "{forked:?}");
}
