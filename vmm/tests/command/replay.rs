//! `vmm run --replay`: the schedule that breaks a rule.

use crate::{FAIL, PASS, SHIPPED, folder_with, vmm};

#[test]
fn the_schedule_that_breaks_a_rule_can_be_written_and_run() {
    let folder = folder_with(&[]);
    let replay = folder.path().join("race.json");
    let replay = replay.to_str().unwrap();
    let explored = "scenarios/dirtycow-vulnerable.json";
    let run = vmm(&["run", "--image", &SHIPPED, "--replay", replay, explored]);
    assert_eq!((run.status, run.stderr), (PASS, format!("wrote {replay}\n")));
    let run = vmm(&["--image", &SHIPPED, replay]);
    assert_eq!(run.status, FAIL, "{}", run.stdout);
    assert!(run.stdout.contains("file secret+0p"), "{}", run.stdout);
}

#[test]
fn nothing_is_written_when_no_schedule_breaks_a_rule() {
    let folder = folder_with(&[]);
    let replay = folder.path().join("race.json");
    let run = vmm(&[
        "run",
        "--image",
        &SHIPPED,
        "--replay",
        replay.to_str().unwrap(),
        "scenarios/dirtycow-fixed.json",
    ]);
    assert_eq!(run.status, PASS);
    assert!(run.stderr.starts_with("no schedule to write"), "{}", run.stderr);
    assert!(!replay.exists());
}
