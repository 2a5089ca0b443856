//! A clock that goes by itself, and a kernel that does not say who runs.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use abi::boot::{CMDLINE_MUTANT, CMDLINE_WITHHOLD};
use vmm::guest::{Guest, ringside};
use vmm::image::{self, ImageKind};
use vmm::promise::{Promise, Promises};
use vmm::report::text::{Colour, Detail, render};
use vmm::report::{Report, Verdict};
use vmm::scenario::Scenario;

/// Of a kernel that sends no word of who runs, and does not promise to.
fn report_of(scenario: &str, options: &[String]) -> Report {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let mut description = ringside::description();
    let promises = Promise::ALL.iter().copied();
    let promises: Vec<Promise> = promises.filter(|each| *each != Promise::Switches).collect();
    description.promises = Promises::of(&promises);
    let withheld = [format!("{CMDLINE_WITHHOLD}=SWITCHED,WOKEN")];
    let options = [options, &withheld].concat();
    let guest = Guest::new(description, &image, &options).unwrap();
    let scenario = Scenario::parse("busy.json", scenario, &image.programs).unwrap();
    vmm::run::run(&vmm::vm::open().unwrap(), &guest, &scenario).unwrap()
}

/// The other process comes round each time that the timer ends a turn of the parent's, hundreds of times.
const LONG: &str = r#"{
    "name": "busy", "description": "An operation that takes many turns.",
    "guest": { "clock": "real", "memory_mib": 64 },
    "budget": { "seconds": 60, "exits": 100000000 },
    "steps": [
        { "in": "parent", "do": "fork", "as": "other" },
        { "in": "parent", "do": "mmap", "as": "buf", "pages": 12000, "prot": "rw" },
        { "in": "parent", "do": "write", "at": "buf", "fill": { "byte": 7, "bytes": 49152000 } },
        { "in": "other", "do": "exit", "status": 0 },
        { "in": "parent", "do": "wait", "for": "other", "status": { "exit": 0 } }
    ] }"#;

/// The child is asked for something.
const QUICK: &str = r#"{
    "name": "busy", "description": "An operation that takes no time.",
    "guest": { "clock": "real" },
    "steps": [
        { "in": "parent", "do": "fork", "as": "child" },
        { "in": "child", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" }
    ] }"#;

#[test]
fn who_computes_for_long_is_not_silent() {
    let report = report_of(LONG, &[]);
    assert_eq!(
        report.verdict,
        Verdict::Pass,
        "{}",
        render(&report, Colour::Plain, Detail::Full)
    );
}

#[test]
fn who_never_runs_is_silent() {
    let report = report_of(QUICK, &[format!("{CMDLINE_MUTANT}=child-never-runs")]);
    let text = render(&report, Colour::Plain, Detail::Full);
    assert_ne!(report.verdict, Verdict::Pass, "{text}");
    assert!(text.contains("no answer, while others went on"), "{text}");
}
