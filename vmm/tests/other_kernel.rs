//! A kernel that is not this project's, described in a file: the example of `docs/guests.md`, in C, passes what it can and fails when it is
//! wrong.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What it must have for the scenarios that are named in the guide.
const SCENARIOS: [&str; 4] = ["ucore/hello", "cow", "shared-across-fork", "wait"];
const PASS: i32 = 0;
const FAIL: i32 = 1;
const UNUSABLE: i32 = 2;
const BROKEN: i32 = 4;

/// The example, built in a folder of its own from sources that were changed in one place.
fn built(change: Option<(&str, &str, &str)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root().join("examples/kernel")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    // One that was built before would be newer than the sources.
    let _ = fs::remove_file(folder.path().join("kernel"));
    if let Some((file, from, to)) = change {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file} has `{from}` once");
        fs::write(&path, text.replace(from, to)).unwrap();
    }
    let make = Command::new("make").arg("-s").current_dir(folder.path()).status();
    assert!(make.unwrap().success(), "the example builds");
    folder
}

/// Runs scenarios on it, files or names of shipped ones: exit status and report.
fn run(folder: &TempDir, scenarios: &[&str]) -> (i32, String) {
    let output = call(folder, scenarios);
    let report = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), report)
}

/// What is said when it cannot be run: exit status and message.
fn refusal(folder: &TempDir) -> (i32, String) {
    let output = call(folder, &["cow"]);
    let message = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), message)
}

fn call(folder: &TempDir, scenarios: &[&str]) -> Output {
    let files = scenarios.iter().map(|name| match Path::new(name) {
        path if path.is_absolute() => path.to_owned(),
        _ => root().join(format!("scenarios/{name}.json")),
    });
    Command::new(env!("CARGO_BIN_EXE_vmm"))
        .args(["run", "--verbose", "--guest"])
        .arg(folder.path().join("guest.toml"))
        .args(files)
        .output()
        .unwrap()
}

#[test]
fn the_example_passes_and_each_report_says_what_was_not_judged() {
    let (status, report) = run(&built(None), &SCENARIOS);
    assert_eq!(status, PASS, "{report}");
    assert!(report.contains("not judged on this guest"), "{report}");
    assert!(
        report.contains("needs an account of the kernel's frames"),
        "{report}"
    );
}

#[test]
fn a_fork_that_forgets_to_take_the_right_to_write_away_is_found() {
    let folder = built(Some(("space.c", "*old &= ~WRITABLE;", "*old |= 0;")));
    let (status, report) = run(&folder, &["cow"]);
    assert_eq!(status, FAIL, "{report}");
    assert!(report.contains("no frame is writable by two owners"), "{report}");
}

#[test]
fn a_copy_of_a_page_that_copies_nothing_is_found() {
    let folder = built(Some(("space.c", "copy(at(frame), at(old), PAGE);", "")));
    let (status, report) = run(&folder, &["last-owner"]);
    assert_eq!(status, FAIL, "{report}");
    assert!(
        report.contains("FAIL  child: write \"copied\" at buf+0p"),
        "{report}"
    );
}

/// What `kernel_main` does when it is done with everything else.
const BEGINS: &str = "    process_first(\"agent\");";
/// Logs two lines on the serial port.
const LOGS: &str = "    for (const char *text = \"looking for a disk\\nno disk\\n\"; *text; text++) { out8(0x3f8, *text); }\n";

#[test]
fn a_kernel_that_panics_while_it_boots_fails_and_its_last_lines_are_told() {
    let panics = format!("{LOGS}    panic(\"nothing to run\");");
    let (status, report) = run(&built(Some(("main.c", BEGINS, &panics))), &["cow"]);
    assert_eq!(status, FAIL, "{report}");
    assert!(report.contains("the kernel panicked: nothing to run"), "{report}");
    assert!(report.contains("\"looking for a disk; no disk\""), "{report}");
}

#[test]
fn a_kernel_that_never_rings_fails_when_its_budget_is_used_up_and_its_last_lines_are_told() {
    let waits = format!("{LOGS}    for (;;) {{}}");
    let folder = built(Some(("main.c", BEGINS, &waits)));
    let scenario = folder.path().join("short.json");
    let text = r#"{ "name": "short", "description": "One step.", "budget": { "seconds": 1 },
        "steps": [ { "in": "parent", "do": "sched_yield" } ] }"#;
    fs::write(&scenario, text).unwrap();
    let (status, report) = run(&folder, &[scenario.to_str().unwrap()]);
    assert_eq!(status, FAIL, "{report}");
    assert!(report.contains("its budget of 1 s"), "{report}");
    assert!(report.contains("\"looking for a disk; no disk\""), "{report}");
}

#[test]
fn a_kernel_without_an_entry_point_and_an_archive_without_room_are_refused() {
    let no_note = built(Some(("boot.S", ".long 4, 4, 18 ", ".long 4, 4, 17 ")));
    let (status, told) = refusal(&no_note);
    assert_eq!(status, UNUSABLE, "{told}");
    assert!(
        told.contains("no PVH entry point") && told.contains("machine = \"pc\""),
        "{told}"
    );

    let archive = "kernel = \"kernel\"\ninitrd = \"large\"";
    let large = built(Some(("guest.toml", "kernel = \"kernel\"", archive)));
    fs::write(large.path().join("large"), vec![0; 40 << 20]).unwrap();
    let (status, told) = refusal(&large);
    assert_eq!(status, UNUSABLE, "{told}");
    assert!(told.contains("large has 41943040 bytes"), "{told}");
}

#[test]
fn what_it_does_not_promise_is_refused_before_it_boots() {
    let (status, report) = run(&built(None), &["sleep"]);
    assert_eq!(status, BROKEN, "{report}");
    assert!(
        report.contains("refused before boot") && report.contains("virtual-clock"),
        "{report}"
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
