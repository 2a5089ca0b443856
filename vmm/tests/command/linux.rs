//! `vmm linux`: a guest's answers beside those of the Linux of this machine.

use std::fs;

use crate::{FAIL, MUTANTS, PASS, SHIPPED, UNUSABLE, vmm};

/// A scenario whose guest has a disk that fails, which no Linux here has: listed, with the reason.
const DIFFERS: &str = "swap-read-error";

#[test]
fn what_both_answer_is_the_same_and_what_is_listed_may_differ() {
    let run = vmm(&["linux", "--image", &SHIPPED, &format!("scenarios/{DIFFERS}.json")]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(run.stdout.contains("  10  same  witness: read"), "{}", run.stdout);
    assert!(
        run.stdout.contains("   9  may   victim: read")
            && run.stdout.contains("guest  the process was ended by SIGBUS")
            && run.stdout.contains("Linux  loaded \"on the disk\"")
            && run
                .stdout
                .contains("both are right: The guest's disk is told to fail."),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .ends_with("10 steps compared: 0 differ, 2 may differ\n"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_nobody_has_listed_differs_and_so_does_what_is_listed_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("swap-read-error.json");
    fs::copy(
        format!("{}/../scenarios/{DIFFERS}.json", env!("CARGO_MANIFEST_DIR")),
        &scenario,
    )
    .unwrap();
    let scenario = scenario.to_str().unwrap();
    let run = vmm(&["linux", "--image", &SHIPPED, "--json", scenario]);
    assert_eq!(run.status, FAIL, "{}", run.stderr);
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(told["as_listed"], false);
    let differ: Vec<_> = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["answers"][0]["same"] == false)
        .map(|step| step["step"].as_u64().unwrap())
        .collect();
    assert_eq!(differ, [9, 13]);

    let list = folder.path().join("linux-differences.toml");
    let entry = r#"
[[difference]]
scenario = "swap-read-error"
step = 3
guest = "done"
linux = "refused with ENOMEM"
reason = "A test."
"#;
    fs::write(&list, entry).unwrap();
    let run = vmm(&["linux", "--image", &SHIPPED, scenario]);
    assert_eq!(run.status, FAIL, "{}", run.stderr);
    assert!(
        run.stdout
            .contains("listed for step 3, but does not occur: the guest done, Linux refused with ENOMEM"),
        "{}",
        run.stdout
    );

    fs::write(&list, "[[difference]]\nscenario = 7\n").unwrap();
    let run = vmm(&["linux", "--image", &SHIPPED, scenario]);
    assert_eq!(run.status, UNUSABLE);
    assert!(
        run.stderr
            .contains("linux-differences.toml is no list of differences"),
        "{}",
        run.stderr
    );
}

/// A wrong kernel whose programs' output is told as lines that differ.
#[test]
fn of_a_programs_output_the_lines_that_differ_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("status.json");
    let text = r#"{ "name": "status", "description": "A program's status.", "steps": [
        { "in": "parent", "do": "exec", "program": "exit-status", "args": ["255"], "status": { "exit": 255 } } ] }"#;
    fs::write(&scenario, text).unwrap();
    let run = vmm(&[
        "linux",
        "--image",
        &MUTANTS,
        "--option",
        "mutant=exit-code-truncated",
        scenario.to_str().unwrap(),
    ]);
    assert_eq!(run.status, FAIL, "{}", run.stderr);
    assert!(
        run.stdout.contains("guest  exited with 15, printed")
            && run.stdout.contains("Linux  exited with 255, printed"),
        "{}",
        run.stdout
    );
}
