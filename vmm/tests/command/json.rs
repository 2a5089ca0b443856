//! `vmm run --format json`.

use serde_json::Value;

use crate::{FAIL, MUTANT, MUTANTS, PASS, Run, SHIPPED, vmm};

#[test]
fn json_holds_verdict_reports_and_findings() {
    let run = vmm(&[
        "--image",
        &MUTANTS,
        "--format",
        "json",
        "--option",
        MUTANT,
        "scenarios/cow.json",
    ]);
    assert_eq!(run.status, FAIL);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["verdict"], "fail");
    let report = &document["reports"][0];
    assert_eq!(
        (&report["scenario"], &report["verdict"]),
        (&"cow".into(), &"fail".into())
    );
    let lines = report["lines"].as_array().unwrap();
    let findings: Vec<&Value> = lines
        .iter()
        .flat_map(|line| line["findings"].as_array().unwrap())
        .collect();
    assert!(!findings.is_empty());
    for finding in findings {
        for key in ["rule", "place", "expected", "found"] {
            assert!(finding[key].is_string(), "{key} of {finding}");
        }
    }
}

#[test]
fn json_of_a_passing_run_has_no_finding_and_tells_what_it_cost() {
    let run = vmm(&["--image", &SHIPPED, "--format", "json", "scenarios/cow.json"]);
    assert_eq!(run.status, PASS);
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["verdict"], "pass");
    let report = &document["reports"][0];
    let lines = report["lines"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .all(|line| line["findings"].as_array().unwrap().is_empty())
    );
    let cost = |key: &str| report["cost"][key].as_u64().unwrap();
    assert!(0 < cost("boot_exits") && cost("boot_exits") < cost("exits"));
    assert!(0 < cost("boot_microseconds") && cost("boot_microseconds") < cost("wall_microseconds"));
}

#[test]
fn json_has_the_states_when_they_are_asked_for() {
    let arguments = [
        "run",
        "--image",
        &SHIPPED,
        "--format",
        "json",
        "scenarios/cow.json",
    ];
    let report = |run: &Run| serde_json::from_str::<Value>(&run.stdout).unwrap()["reports"][0].clone();
    assert_eq!(report(&vmm(&arguments)).get("states"), None);
    let states = report(&vmm(&[&arguments[..], &["--states"]].concat()))["states"].clone();
    assert!(
        states.as_str().unwrap().starts_with("stateDiagram-v2\n"),
        "{states}"
    );
}
