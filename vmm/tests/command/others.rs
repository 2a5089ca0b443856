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

#[test]
fn a_profile_has_steps_and_functions_or_stacks_and_is_the_same_each_time() {
    let image = &*crate::SHIPPED;
    let run = vmm(&[
        "profile",
        "--image",
        image,
        "--top",
        "3",
        "scenarios/null-store.json",
    ]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(run.stdout.starts_with("PASS  null-store: "), "{}", run.stdout);
    assert!(
        run.stdout.contains("2. child: write \"x\" at 0x0"),
        "{}",
        run.stdout
    );
    let folded = || {
        vmm(&[
            "profile",
            "--image",
            image,
            "--step",
            "2",
            "--folded",
            "scenarios/null-store.json",
        ])
    };
    let [one, other] = [folded(), folded()];
    assert_eq!(one.stdout, other.stdout);
    let counts = one
        .stdout
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>());
    assert!(counts.map(Result::unwrap).sum::<u64>() > 1000, "{}", one.stdout);
}

#[test]
fn a_trace_is_shown_in_the_form_that_is_asked_for() {
    let image = &*crate::SHIPPED;
    let trace = |more: &[&str]| {
        let mut arguments = vec![
            "trace",
            "--image",
            image,
            "--step",
            "2",
            "scenarios/null-store.json",
        ];
        arguments.extend(more);
        vmm(&arguments)
    };
    let run = trace(&["--depth", "2"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(
        run.stdout.contains("> page fault: write at 0x0, not present\n"),
        "{}",
        run.stdout
    );
    let names = trace(&["--format", "names", "--of", "child"]);
    assert_eq!(names.status, PASS);
    assert!(
        names
            .stdout
            .lines()
            .all(|line| !line.contains(' ') || line.contains("::")),
        "{}",
        names.stdout
    );
    let json: serde_json::Value = serde_json::from_str(&trace(&["--format", "json"]).stdout).unwrap();
    assert_eq!(json["steps"].as_array().map(Vec::len), Some(1));
    let run = trace(&["--format", "json", "--depth", "2"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(run.stderr.contains("--depth"), "{}", run.stderr);
    let run = vmm(&[
        "trace",
        "--image",
        image,
        "--step",
        "99",
        "scenarios/null-store.json",
    ]);
    assert!(
        run.stderr.contains("has not run in what was to be looked at"),
        "{}",
        run.stderr
    );
}
