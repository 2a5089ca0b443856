//! Formats that programs read, each held against a schema or a parser.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tap_parser::{TapParser, TapStatement};
use vmm::report::{Document, Format, Verdict, schema};

use crate::{REPORTS, told};

fn assert_valid(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn json_is_what_its_schema_says_and_can_be_read_again() {
    let text = told(Format::Json, &REPORTS);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_valid(&schema(), &document);
    let read: Document = serde_json::from_str(&text).unwrap();
    assert_eq!((read.version, read.verdict), (Document::VERSION, Verdict::Fail));
    assert_eq!(read.reports, *REPORTS);
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let document: Value = serde_json::from_str(&told(Format::Json, &REPORTS[..2])).unwrap();
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/verdict", json!("good")),
        ("/reports/0/lines/0/what", json!(7)),
        ("/reports/1/lines/4/findings", json!([{ "rule": "no-such-rule" }])),
    ] {
        let mut wrong = document.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!validator.is_valid(&wrong), "{pointer}");
    }
}

#[test]
fn the_schema_in_the_documentation_is_the_one_that_is_made_from_the_types() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.schema.json");
    let made = format!("{:#}\n", schema());
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/report.schema.json lags behind: run `vmm schema --report > docs/report.schema.json`"
    );
}

#[test]
fn each_line_of_jsonl_is_an_entry_of_the_schema() {
    let mut of_entries = schema();
    let root = of_entries.as_object_mut().unwrap();
    let definitions = root.remove("$defs").unwrap();
    let of_entries = json!({ "$ref": "#/$defs/Entry", "$defs": definitions });
    let text = told(Format::Jsonl, &REPORTS);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.iter().for_each(|line| assert_valid(&of_entries, line));
    assert!(
        !jsonschema::validator_for(&of_entries)
            .unwrap()
            .is_valid(&json!({ "version": 1, "entry": "nonsense" }))
    );
    let number = |name: &str| lines.iter().filter(|line| line["entry"] == name).count();
    let findings: usize = REPORTS.iter().map(|report| report.findings().count()).sum();
    let steps: usize = REPORTS.iter().map(|report| report.lines.len()).sum();
    assert_eq!(
        (
            number("run-began"),
            number("step-done"),
            number("found"),
            number("run-ended")
        ),
        (REPORTS.len(), steps, findings, REPORTS.len())
    );
}

/// The parser is one of TAP 14. KTAP indents by two, begins each level with a line of its own, and has more directives; and the parser wants no
/// diagnostic lines between a subtest and its result.
#[test]
fn a_parser_of_tap_finds_in_ktap_what_the_reports_say() {
    let ktap = told(Format::Ktap, &REPORTS);
    let mut lines = ktap.lines();
    assert_eq!(lines.next(), Some("KTAP version 1"));
    let mut tap = vec!["TAP version 14".to_owned()];
    for line in lines {
        let content = line.trim_start();
        if content != "KTAP version 1" && !content.starts_with('#') {
            let indent = " ".repeat((line.len() - content.len()) * 2);
            tap.push(format!("{indent}{}", content.split(" # ERROR ").next().unwrap()));
        }
    }
    let tap = tap.join("\n");
    let mut parser = TapParser::new();
    let statements = parser
        .parse(&tap)
        .unwrap_or_else(|error| panic!("{error}\n{tap}"));
    let expected: Vec<(bool, String, usize)> = REPORTS
        .iter()
        .map(|report| {
            let rest = usize::from(report.steps_not_run > 0);
            let is_pass = report.verdict == Verdict::Pass;
            (is_pass, report.scenario.to_string(), report.lines.len() + rest)
        })
        .collect();
    assert_eq!(points(&statements), expected, "{ktap}");
    let findings: usize = REPORTS.iter().map(|report| report.findings().count()).sum();
    let told = ktap
        .lines()
        .filter(|line| line.trim_start().starts_with("# ") && line.contains("; expected "));
    assert_eq!(told.count(), findings, "{ktap}");
}

/// Each test with how many subtests it has. A level has as many as it plans, and none is good that has a bad one below it.
fn points(statements: &[TapStatement<'_>]) -> Vec<(bool, String, usize)> {
    let mut planned = 0;
    let mut points = Vec::new();
    for statement in statements {
        match statement {
            TapStatement::Plan(plan) => planned = plan.count,
            TapStatement::TestPoint(test) => points.push((test.result, test.desc.unwrap().to_owned(), 0)),
            TapStatement::Subtest(subtest) => {
                let below = self::points(&subtest.statements);
                let ending = &subtest.ending;
                assert_eq!(
                    ending.result,
                    below.iter().all(|(result, ..)| *result),
                    "{ending:?}"
                );
                points.push((ending.result, ending.desc.unwrap().to_owned(), below.len()));
            }
            TapStatement::Comment(_) => {}
        }
    }
    assert_eq!(points.len(), planned);
    points
}

#[test]
fn junit_counts_steps_and_failures_and_skips_nothing() {
    let xml = told(Format::Junit, &REPORTS);
    let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
    assert_eq!(read.test_suites.len(), REPORTS.len());
    for (suite, report) in read.test_suites.iter().zip(&*REPORTS) {
        let rest = usize::from(report.steps_not_run > 0);
        assert_eq!(suite.tests, report.lines.len() + rest, "{}", report.scenario);
        assert_eq!(suite.skipped, 0);
        assert_eq!(suite.failures + suite.errors > 0, report.verdict != Verdict::Pass);
    }
    assert!(!xml.contains("<skipped"), "{xml}");
    assert!(!xml.contains(" time=") && !xml.contains(" timestamp="), "{xml}");
}

#[test]
fn gradescope_has_a_test_for_each_scenario_and_no_time() {
    let results: Value = serde_json::from_str(&told(Format::Gradescope, &REPORTS)).unwrap();
    let tests = results["tests"].as_array().unwrap();
    let passed = REPORTS
        .iter()
        .filter(|report| report.verdict == Verdict::Pass)
        .count();
    assert_eq!(results["score"], passed);
    assert_eq!(tests.len(), REPORTS.len());
    for (test, report) in tests.iter().zip(&*REPORTS) {
        let is_pass = report.verdict == Verdict::Pass;
        assert_eq!(test["status"], if is_pass { "passed" } else { "failed" });
        assert_eq!(
            (&test["score"], &test["max_score"]),
            (&json!(usize::from(is_pass)), &json!(1))
        );
        assert_eq!(
            (&test["visibility"], &test["output_format"]),
            (&json!("visible"), &json!("text"))
        );
        assert!(
            is_pass || test["output"].as_str().unwrap().contains("rule      "),
            "{test:#}"
        );
    }
    assert!(results.get("leaderboard").is_none() && results.get("execution_time").is_none());
}

#[test]
fn github_gets_an_annotation_at_the_line_of_the_step() {
    let text = told(Format::Github, &REPORTS[1..2]);
    let report = &REPORTS[1];
    assert_eq!(text.lines().count(), report.findings().count(), "{text}");
    let bad = report
        .lines
        .iter()
        .find(|line| line.all_findings().next().is_some())
        .unwrap();
    let at = report.origin.as_ref().unwrap().step_lines[bad.step.unwrap() - 1];
    let start = format!("::error file=scenarios/cow.json,line={at},title=cow%3A ");
    assert!(text.starts_with(&start), "{text}");
}
