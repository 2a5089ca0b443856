//! Exploring by forks where schedules differ tells the same as booting a guest for each schedule.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::process::Command;

use vmm::image::{self, ImageKind};

/// What the command says of a scenario of the repository, and its exit status.
fn told(arguments: &[&str]) -> (String, i32) {
    let image = image::ensure(ImageKind::Shipped, &image::Silent).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["run", "--image"])
        .arg(image.kernel.parent().unwrap())
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code().unwrap())
}

#[track_caller]
fn assert_same(scenario: &str, expected_status: i32) -> String {
    let branching = told(&[scenario]);
    let anew = told(&["--fresh", scenario]);
    assert_eq!(branching, anew);
    assert_eq!(branching.1, expected_status, "{}", branching.0);
    branching.0
}

#[test]
fn all_schedules_are_tried() {
    let text = assert_same("scenarios/shadowpt/race-close-exit.json", 0);
    assert!(text.contains("schedules tried: all that differ"), "{text}");
    assert_same("scenarios/modules/jit-race.json", 0);
}

#[test]
fn the_smallest_that_breaks_a_rule_is_found_whether_or_not_one_is_wanted() {
    let wanted = "scenarios/dirtycow-vulnerable.json";
    assert_same(wanted, 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dirtycow-vulnerable.json");
    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../scenarios/dirtycow-vulnerable.json"
    ));
    let unwanted = text.unwrap().replace(r#", "finds": "page-cache""#, "");
    fs::write(&file, unwanted).unwrap();
    let text = assert_same(file.to_str().unwrap(), 1);
    assert!(
        text.contains("the shortest that breaks a rule is the one above"),
        "{text}"
    );
}

#[test]
fn a_guest_whose_clock_is_real_is_booted_for_each_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("real.json");
    // Which thread comes to the first point is the timer's to say, and so the host's; that the other one could go on there is not.
    let text = r#"{ "name": "real", "description": "Threads under a timer.", "guest": { "clock": "real" },
        "schedule": { "explore": { "points": 1 } },
        "steps": [ { "in": "parent", "do": "exec", "program": "dirtycow", "args": ["1", "1"] } ] }"#;
    fs::write(&file, text).unwrap();
    let (text, status) = told(&[file.to_str().unwrap()]);
    assert!(text.contains("2 schedules tried"), "{text}");
    assert_eq!(status, 0, "{text}");
}

/// A process that forks has no vCPU that stops at breakpoints: of a kernel that is followed, each schedule is run from its beginning.
#[test]
fn what_the_kernel_calls_is_seen_in_every_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("followed.json");
    let scenario = r#"{
        "name": "followed",
        "description": "Two processes end in every order.",
        "functions": { "exit": { "ringside": "exit::exit_group" } },
        "guest": { "needs": ["shadow-page-table"] },
        "schedule": { "explore": { "points": 1 } },
        "steps": [
            { "in": "parent", "do": "exec", "program": "shadowpt-races", "args": ["close-exit"] },
            { "check": "both end, and who waits for them", "expect": [ { "calls": { "order": ["exit", "exit", "exit"] } } ] }
        ]
    }"#;
    fs::write(&file, scenario).unwrap();
    let text = assert_same(file.to_str().unwrap(), 0);
    assert!(text.contains("schedules tried"), "{text}");
}
