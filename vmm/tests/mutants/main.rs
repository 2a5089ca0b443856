//! Proof that the judge can say no: kernels with one deliberate fault each, and the finding that each must bring about.
//!
//! The faults are listed in `guest-kernel/src/mutant.rs`; one that is missing here fails a test.

mod entry;
#[path = "../support/guest.rs"]
mod guest;
mod leak;
mod list;
#[path = "../support/shipped.rs"]
mod shipped;
mod withheld;

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use vmm::finding::Finding;
use vmm::image::{GuestImage, ImageKind};
use vmm::report::text::{Colour, Detail, render};
use vmm::report::{Report, Verdict};
use vmm::rule::Rule;
use vmm::scenario::Scenario;

use entry::{Mutant, mutant};
use list::{NEED_A_TRANSLATION_CACHE, mutants};

/// The kernel's own list.
const MUTANTS_OF_THE_KERNEL: &str = include_str!("../../../guest-kernel/src/mutant.rs");

fn main() {
    let arguments = Arguments::from_args();
    let image = guest::image(ImageKind::Mutants);
    let mut tests: Vec<Trial> = mutants()
        .map(|mutant| {
            Trial::test(format!("{}-is-caught", mutant.name), move || {
                is_caught(mutant, image)
            })
        })
        .collect();
    tests.extend(mutants().flat_map(|mutant| {
        let events = withheld::events_of(mutant).iter();
        events.map(move |events| {
            let name = format!("{}-does-not-pass-without-{events}", mutant.name);
            Trial::test(name, move || withheld::does_not_pass(mutant, events, image))
        })
    }));
    tests.extend(NEED_A_TRANSLATION_CACHE.iter().map(|mutant| {
        let name = format!("{}-is-caught", mutant.name);
        Trial::test(name, move || is_caught(mutant, image)).with_ignored_flag(true)
    }));
    let scenarios: BTreeSet<&str> = mutants().map(|mutant| mutant.scenario).collect();
    tests.extend(scenarios.into_iter().map(|scenario| {
        let name = format!("without-a-mutant-the-same-kernel-passes-{scenario}");
        Trial::test(name, move || nothing_is_caught(scenario, image))
    }));
    tests.push(Trial::test(
        "a-leak-that-no-account-tells-shows-in-what-can-be-had-again",
        move || leak::shows_in_behaviour(image),
    ));
    tests.push(Trial::test(
        "every-mutant-of-the-kernel-is-listed",
        every_mutant_is_listed,
    ));
    tests.push(Trial::test(
        "a-clause-that-a-mutant-demands-must-be-named",
        a_demanded_clause_must_be_named,
    ));
    libtest_mimic::run(&arguments, tests).exit();
}

fn is_caught(mutant: &Mutant, image: &GuestImage) -> Result<(), Failed> {
    let report = run(
        mutant.scenario,
        &[format!("{}={}", abi::boot::CMDLINE_MUTANT, mutant.name)],
        image,
    );
    let named = report.findings().any(|finding| mutant.is_told_by(finding));
    if report.verdict == Verdict::Fail && named {
        return Ok(());
    }
    let text = render(&report, Colour::Plain, Detail::Full);
    let clause = mutant.clause.map(|id| format!(" that names {id}"));
    Err(format!(
        "expected a finding of {:?} at {}{}, found\n{text}",
        mutant.rule,
        mutant.place,
        clause.unwrap_or_default()
    )
    .into())
}

/// A mutant that demands a clause is not caught by a finding at a step that shows another one, or none.
fn a_demanded_clause_must_be_named() -> Result<(), Failed> {
    let mutant = mutant("", "", Rule::Contents, "p:buf").naming("COW-2");
    for (clauses, expected) in [
        (&["COW-1 a", "COW-2 b"][..], true),
        (&["COW-1 a", "COW-22 b"], false),
        (&[], false),
    ] {
        let mut finding = Finding::new(Rule::Contents, "p:buf+1p", "", "");
        finding.clauses = clauses
            .iter()
            .map(|text| text.parse())
            .collect::<Result<_, _>>()?;
        if mutant.is_told_by(&finding) != expected {
            return Err(format!("expected {expected} of a finding that names {clauses:?}").into());
        }
    }
    Ok(())
}

/// Where schedules are explored, one of them is enough to show what the kernel does without a mutant.
fn nothing_is_caught(name: &str, image: &GuestImage) -> Result<(), Failed> {
    let mut scenario = scenario(name, image);
    scenario.schedule = None;
    let report = guest::run(image, &scenario, &[]);
    if report.verdict == Verdict::Pass {
        return Ok(());
    }
    Err(render(&report, Colour::Plain, Detail::Full).into())
}

fn every_mutant_is_listed() -> Result<(), Failed> {
    let declared: BTreeSet<&str> = MUTANTS_OF_THE_KERNEL
        .lines()
        .filter_map(|line| line.trim().split_once(" = \"")?.1.strip_suffix("\";"))
        .collect();
    let listed: BTreeSet<&str> = mutants()
        .chain(NEED_A_TRANSLATION_CACHE)
        .map(|mutant| mutant.name)
        .collect();
    if declared == listed && !declared.is_empty() {
        return Ok(());
    }
    Err(format!("the kernel has {declared:?}, this test {listed:?}").into())
}

fn run(name: &str, options: &[String], image: &GuestImage) -> Report {
    guest::run(image, &scenario(name, image), options)
}

/// The shipped scenario of that name.
fn scenario(name: &str, image: &GuestImage) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace");
    shipped::read(&root.join(format!("scenarios/{name}.json")), image)
}
