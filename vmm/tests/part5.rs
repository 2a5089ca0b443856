//! The answer to a question of courses, which functions of the kernel run after a store through a null pointer, as a document: made of the scenario
//! that expects it, and of what the kernel did.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/document.rs"]
mod document;
#[path = "support/shipped.rs"]
mod shipped;

use std::fmt::Write;
use std::path::Path;

use vmm::guest::{Guest, Record, Stretch, ringside};
use vmm::image::{self, GuestImage, ImageKind};
use vmm::report::Verdict;
use vmm::scenario::{Calls, Expectation, Scenario, Step};
use vmm::trace::tree::{Selection, lines};

const DOCUMENT: &str = "docs/part5.md";
const SCENARIO: &str = "scenarios/calls/null-store.json";
/// The step in which the process stores.
const STORE: usize = 2;
/// How many functions below each other are shown.
const DEPTH: usize = 8;
/// Before each line of a tree there is the number of instructions.
const COUNT_BYTES: usize = 10;

/// The beginning of the document.
const BEGINNING: &str = "\
# Which functions run after a store through a null pointer?

```c
int main() {
    int *ptr = NULL;
    *ptr = 5;
}
```

Which functions of the kernel run, in which order, from the first instruction of `main` until the process never runs again? Courses ask it
(part 5 of an assignment about shadow page tables, for one), and students answer from reading. Ringside shows it from outside, by steps of the
processor, on any kernel that has its symbols: this project's, a Linux that somebody has built, and a distribution's, whose symbols are made from the names that
it keeps of its functions.

This page is made by `cargo test --test part5` of what [`scenarios/calls/null-store.json`](../scenarios/calls/null-store.json) expects and of what this project's kernel
did. The scenario is judged on this project's kernel in each run of the tests, and on two Linux kernels by `ci/linux` and `ci/linux-kernel`: a kernel that leaves one of these functions out, or
calls them in another order, does not pass it.

## The answer

A name a line, as the assignment wants it. Other functions run before, between and after these.
";

/// What the document says of how it is made for other kernels.
const OTHERS: &str = "
## All that runs

The functions of this project's kernel, from the store to the switch away, which is the last that the kernel does for the process. Functions that one has called stand
below it; those of which nine are under way are left out.
";

const END: &str = "
Of a Linux, the same is printed by

```sh
vmm trace --guest linux --step 2 --of child scenarios/null-store.json
vmm trace --guest linux --step 2 --of child --format names scenarios/null-store.json     # a name a line
```

where `--kernel FILE` takes another kernel. Ticks of the clock run in between there, for a Linux has a clock of its own. [Tracing](tracing.md) says how to read it and how it is done.
";

#[test]
fn the_document_says_what_the_scenario_expects_and_what_the_kernel_did() {
    document::holds(DOCUMENT, &made());
}

fn made() -> String {
    let image =
        image::ensure(ImageKind::Shipped, &*image::to_stderr()).expect("the guest image can be built");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCENARIO);
    let scenario = shipped::read(&file, &image);
    let mut document = BEGINNING.to_owned();
    for (guest, heading) in [("ringside", "This project's kernel"), ("linux", "Linux")] {
        write!(document, "\n### {heading}\n\n```text\n").unwrap();
        for name in &expected(&scenario).order {
            writeln!(document, "{}", scenario.functions[name][guest]).unwrap();
        }
        document.push_str("```\n");
    }
    document.push_str(OTHERS);
    write!(document, "\n```text\n{}```\n", tree(&scenario, &image)).unwrap();
    document.push_str(END);
    document
}

/// The functions that the scenario expects.
fn expected(scenario: &Scenario) -> &Calls {
    let checks = scenario.steps.iter().filter_map(|step| match step {
        Step::Check(check) => Some(&check.expect),
        _ => None,
    });
    let mut calls = checks.flatten().filter_map(|expectation| match expectation {
        Expectation::Calls(calls) => Some(calls),
        _ => None,
    });
    calls.next().expect("it expects functions")
}

/// What the kernel does for the process in the step, without the numbers of instructions.
fn tree(scenario: &Scenario, image: &GuestImage) -> String {
    let kvm = vmm::vm::open().expect("KVM can be used");
    let guest = Guest::new(ringside::description(), image, &[])
        .unwrap()
        .recording(Record::kernel(Stretch::Step(STORE)));
    let report = vmm::run::run(&kvm, &guest, scenario).expect("the host can run a guest");
    assert_eq!(report.verdict, Verdict::Pass);
    let line = report.lines.iter().find(|line| line.step == Some(STORE)).unwrap();
    let choice = Selection {
        of: Some("child".to_owned()),
        depth: Some(DEPTH),
        ..Selection::default()
    };
    let tree = lines(line.trace.as_ref().unwrap(), &choice);
    let functions = tree.lines().map(|line| &line[COUNT_BYTES..]);
    // Before it the process has touched the code that stores.
    let functions = functions.skip_while(|line| !line.starts_with("> page fault: write at 0x0,"));
    let functions = functions.filter(|line| !line.trim_start().starts_with('*'));
    functions.fold(String::new(), |text, line| text + line + "\n")
}
