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

fn try_seed(image: &GuestImage, options: &[String], seed: u64) -> Tried {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest::new(ringside::description(), image, options).expect("the image has an archive");
    let name = ScenarioName::try_from("found".to_owned()).expect("a name");
    let plan = Plan { seed, moves: MOVES };
    let fuzzer = Fuzzer::new(&kvm, &guest, &image.programs, &name);
    let tried = fuzzer.and_then(|mut fuzzer| fuzzer.try_one(plan));
    tried.expect("the host can run a guest")
}

#[test]
fn a_thousand_random_steps_pass() {
    let image = guest::image(ImageKind::Shipped);
    let mut steps = 0;
    for seed in 1.. {
        match try_seed(image, &[], seed) {
            Tried::Passed { steps: more } => steps += more,
            Tried::Failed { text, report } => {
                panic!("{text}\n{}", render(&report, Colour::Plain, Detail::Full))
            }
        }
        if steps >= STEPS {
            return;
        }
    }
}

#[test]
fn a_fault_is_found_and_becomes_a_short_scenario_that_shows_it() {
    let image = guest::image(ImageKind::Mutants);
    let options = ["mutant=shadow-madvise-untracked".to_owned()];
    let found = (1..50).find_map(|seed| match try_seed(image, &options, seed) {
        Tried::Passed { .. } => None,
        Tried::Failed { text, .. } => Some(text),
    });
    let text = found.expect("one of fifty sequences drops a page that is watched");
    let scenario = Scenario::parse("found.json", &text, &image.programs).unwrap();
    assert!(scenario.steps.len() <= 20, "not short:\n{text}");

    let wrong = guest::run(image, &scenario, &options);
    assert_eq!(wrong.verdict, Verdict::Fail);
    assert!(wrong.findings().any(|finding| finding.rule == Rule::ShadowTable));
    assert_eq!(guest::run(image, &scenario, &[]).verdict, Verdict::Pass);
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
