//! Help, and the commands that run nothing: `vmm list` and `vmm schema`.

use std::fs;

use crate::{COW, PASS, UNUSABLE, folder_with, root, vmm};

#[test]
fn without_arguments_there_is_help_and_status_2() {
    let run = vmm(&[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("Usage: vmm"), "{}", run.stderr);
    let run = vmm(&["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("no scenario given"), "{}", run.stderr);
}

#[test]
fn help_has_examples_and_the_exit_statuses() {
    let run = vmm(&["--help"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(run.stdout.contains("vmm scenarios/cow.json "), "{}", run.stdout);
    assert!(
        run.stdout.contains("Exit status:\n  0  everything passed\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn an_unknown_option_is_status_2() {
    let run = vmm(&["--verbsoe", "scenarios/cow.json"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("--verbose"), "{}", run.stderr);
}

#[test]
fn list_names_scenarios_with_what_they_show() {
    let run = vmm(&["list"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(
        run.stdout.contains("scenarios/cow.json\n    Fork shares"),
        "{}",
        run.stdout
    );
}

#[test]
fn list_tells_what_is_no_scenario_and_lists_the_rest() {
    let folder = folder_with(&[("cow.json", COW.as_str()), ("wrong.json", "{}")]);
    let run = vmm(&["list", folder.path().to_str().unwrap()]);
    assert_eq!(run.status, UNUSABLE);
    assert!(run.stdout.contains("cow.json\n"), "{}", run.stdout);
    assert!(run.stderr.contains("wrong.json"), "{}", run.stderr);
}

#[test]
fn schema_prints_the_schema_that_lies_beside_the_scenarios() {
    let run = vmm(&["schema"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert_eq!(
        run.stdout,
        fs::read_to_string(root().join("scenarios/schema.json")).unwrap()
    );
}
