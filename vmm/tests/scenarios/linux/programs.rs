//! Programs of the image that need no driving: how they end and what they print.

use std::path::PathBuf;

use libtest_mimic::{Failed, Trial};
use vmm::image::GuestImage;
use vmm::linux_reference::Differences;
use vmm::rule::Rule;
use vmm::scenario::{Operation, OperationStep, Scenario, Step};

use super::compare;

/// No programs to run here: the one that is driven, and the one that makes a machine of its own ready for it.
const LEFT_OUT: [&str; 2] = ["agent", "linux-init"];

/// Programs that no shipped scenario runs, or not in all the ways that they can be run in.
const RUNS: &[(&str, &[&str])] = &[
    ("cow", &[]),
    ("credentials", &[]),
    ("dirtycow", &[]),
    ("dirtycow", &["5", "5"]),
    ("exit-status", &["0"]),
    ("exit-status", &["7"]),
    ("exit-status", &["255"]),
    ("exit-status", &["256"]),
    ("exit-status", &["-1"]),
    ("exit-status", &["none"]),
    ("fault", &[]),
    ("fault", &["null-read"]),
    ("fault", &["null-write"]),
    ("fault", &["text-write"]),
    ("fault", &["exec-data"]),
    ("fault", &["div-zero"]),
    ("fault", &["illegal"]),
    ("fault", &["kernel-read"]),
    ("fault", &["kernel-write"]),
    ("fault", &["non-canonical"]),
    ("fault", &["privileged"]),
    ("fault", &["stack-overflow"]),
    ("fork-tree", &[]),
    ("groups", &[]),
    ("hello", &[]),
    ("inspection", &["nowhere"]),
    ("inspector", &[]),
    ("inspector", &["--help"]),
    ("inspector", &["1", "0x1000", "here"]),
    ("hello", &["a", "b c", "\u{e9}"]),
    ("memory", &[]),
    ("pagemap", &[]),
    ("sse", &[]),
    ("segments", &[]),
    ("shadowpt-races", &[]),
    ("signals", &[]),
    ("target", &["--help"]),
    ("target", &["1"]),
    ("vsock-errors", &[]),
    ("wait-errors", &[]),
];

/// One test a run, and one that no program is left out.
pub(crate) fn trials(
    image: &'static GuestImage,
    differences: &'static Differences,
    scenarios: &[PathBuf],
) -> Vec<Trial> {
    let scenarios = scenarios.to_vec();
    let runs = RUNS.iter().map(|(program, args)| {
        Trial::test(name(program, args), move || {
            program_is_as_on_linux(program, args, image, differences)
        })
    });
    runs.chain([Trial::test("every-program-is-run", move || {
        every_program_is_run(image, &scenarios)
    })])
    .collect()
}

/// Names of the scenarios that are made here.
pub(crate) fn names() -> impl Iterator<Item = String> {
    RUNS.iter().map(|(program, args)| name(program, args))
}

fn program_is_as_on_linux(
    program: &str,
    args: &[&str],
    image: &GuestImage,
    differences: &Differences,
) -> Result<(), Failed> {
    let name = name(program, args);
    let document = serde_json::json!({
        "name": name,
        "description": format!("The program {program}."),
        "budget": { "exits": 10_000_000, "seconds": 60 },
        "steps": [{ "in": "parent", "do": "exec", "program": program, "args": args }],
    });
    let scenario = Scenario::parse(&format!("{name}.json"), &document.to_string(), &image.programs)?;
    let report = compare(&name, &scenario, image, &[], differences)?;
    // The step expects nothing but success, and Linux has just told what is right; memory must be in order all the same.
    match report.findings().find(|finding| finding.rule != Rule::Result) {
        Some(finding) => Err(format!("{finding:?}").into()),
        None => Ok(()),
    }
}

fn every_program_is_run(image: &GuestImage, scenarios: &[PathBuf]) -> Result<(), Failed> {
    let mut run: Vec<String> = RUNS.iter().map(|(program, _)| (*program).to_owned()).collect();
    for file in scenarios {
        let scenario = crate::shipped::read(file, image);
        run.extend(scenario.steps.into_iter().filter_map(|step| match step {
            Step::Operation(OperationStep {
                operation: Operation::Exec { program, .. },
                ..
            }) => Some(program),
            _ => None,
        }));
    }
    let left_out = image
        .programs
        .iter()
        .find(|program| !LEFT_OUT.contains(&program.as_str()) && !run.contains(program));
    match left_out {
        Some(program) => Err(format!("{program} is in the image and never run").into()),
        None => Ok(()),
    }
}

/// A scenario's name: the program and its arguments, as far as a name may hold them.
fn name(program: &str, args: &[&str]) -> String {
    let words: Vec<&str> = ["program", program]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    let letters = words
        .join("-")
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    letters.trim_end_matches('-').to_owned()
}
