//! Random sequences: those of fixed seeds pass, and one that meets a deliberate fault becomes a short scenario that shows it.

#[path = "support/guest.rs"]
mod guest;

use vmm::fuzz::{Plan, Tried, try_one};
use vmm::image::{GuestImage, ImageKind};
use vmm::judge::Rule;
use vmm::report::Verdict;
use vmm::report::text::{Colour, Detail, render};
use vmm::run::Guest;
use vmm::scenario::{Scenario, ScenarioName};

/// Steps that must have passed.
const STEPS: usize = 1000;
/// Moves of a sequence on average.
const MOVES: usize = 60;

fn try_seed(image: &GuestImage, options: &[String], seed: u64) -> Tried {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest {
        kernel: &image.kernel,
        initrd: &image.initrd,
        options,
        slow: 1,
    };
    let name = ScenarioName::try_from("found".to_owned()).expect("a name");
    let plan = Plan { seed, moves: MOVES };
    try_one(&kvm, &guest, &image.programs, &name, plan).expect("the host can run a guest")
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
