//! `vmm diff`, and what it needs of `vmm run`.

use serde_json::Value;
use tempfile::tempdir;

use crate::{FAIL, MUTANT, MUTANTS, PASS, SHIPPED, UNUSABLE, vmm};

#[test]
fn two_steps_of_a_run_differ_by_what_the_steps_between_them_did() {
    let run = vmm(&[
        "diff",
        "--image",
        &SHIPPED,
        "scenarios/cow.json:3",
        "scenarios/cow.json:7",
    ]);
    assert_eq!(run.status, FAIL, "{}", run.stderr);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn the_same_step_of_two_kernels_differs_where_one_of_them_is_wrong() {
    let folder = tempdir().unwrap();
    let report = |name: &str, options: &[&str]| {
        let run = vmm(&[
            &["run", "--memory", "--format", "json", "scenarios/cow.json"],
            options,
        ]
        .concat());
        let file = folder.path().join(name);
        std::fs::write(&file, run.stdout).unwrap();
        file.display().to_string()
    };
    let right = report("right.json", &["--image", &SHIPPED]);
    let wrong = report("wrong.json", &["--image", &MUTANTS, "--option", MUTANT]);
    let compared = |first: &str, second: &str, step: u32| {
        let places = [first, second].map(|file| format!("{file}:{step}"));
        let run = vmm(&["diff", "--image", &SHIPPED, "--json", &places[0], &places[1]]);
        let document: Value = serde_json::from_str(&run.stdout).expect(&run.stderr);
        (run.status, document["differences"].as_array().unwrap().clone())
    };
    assert_eq!(compared(&right, "scenarios/cow.json", 6), (PASS, Vec::new()));
    // Nothing is run for it: the reports have it all.
    let (status, differences) = compared(&right, &wrong, 6);
    assert_eq!(status, FAIL);
    let told = |key: &str| {
        differences
            .iter()
            .map(|difference| difference[key].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert!(
        told("first").iter().all(|page| page.ends_with(" r--")),
        "{differences:?}"
    );
    assert!(
        told("second").iter().all(|page| page.ends_with(" rw-")),
        "{differences:?}"
    );
    assert!(!differences.is_empty());
}

#[test]
fn a_step_that_there_is_not_and_a_report_without_memory_are_told_of() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("report.json");
    let run = vmm(&["--image", &SHIPPED, "--format", "json", "scenarios/cow.json"]);
    std::fs::write(&file, run.stdout).unwrap();
    let without = format!("{}:1", file.display());
    for (arguments, expected) in [
        (
            [&without, "scenarios/cow.json:1"],
            "vmm run --memory --format json",
        ),
        (
            ["scenarios/cow.json:1", "scenarios/cow.json:99"],
            "there is no memory of step 99",
        ),
        (
            ["scenarios/cow.json:1", "scenarios/cow.json"],
            "expected FILE:STEP",
        ),
        (
            ["scenarios/cow.json:1", "scenarios/no.json:1"],
            "cannot read scenarios/no.json",
        ),
    ] {
        let run = vmm(&["diff", "--image", &SHIPPED, arguments[0], arguments[1]]);
        assert_eq!(run.status, UNUSABLE);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[test]
fn times_have_a_line_for_each_run_and_leave_reports_alone() {
    let run = |options: &[&str]| {
        let scenarios = [
            "--image",
            &SHIPPED,
            "--quiet",
            "scenarios/cow.json",
            "scenarios/exec.json",
        ];
        vmm(&[&scenarios, options].concat())
    };
    let (without, with) = (run(&[]), run(&["--times"]));
    assert_eq!((with.status, &with.stdout), (PASS, &without.stdout));
    let lines: Vec<&str> = with.stderr.lines().collect();
    let [heading, cow, exec] = lines[..] else {
        panic!("{lines:?}");
    };
    assert!(heading.trim_start().starts_with("whole run"), "{heading}");
    assert!(cow.ends_with("cow") && exec.ends_with("exec"), "{cow}\n{exec}");
    // Seven numbers and a name.
    assert_eq!(cow.split_whitespace().count(), 8, "{cow}");
}
