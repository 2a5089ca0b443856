//! Clauses of a specification: how steps name them, the document that lists them, what keeps them from being listed, and what
//! a report says of them.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/guest.rs"]
mod guest;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use vmm::image::ImageKind;
use vmm::report::text::{Colour, Detail, render};
use vmm::scenario::{Clause, Scenario, schema};

const PASS: i32 = 0;
const UNUSABLE: i32 = 2;
/// The document that lists the clauses of all shipped scenarios.
const DOCUMENT: &str = "docs/shadowpt-clauses.md";
const NO_CLAUSE: &str = "error: no step of these scenarios has a clause\n";

#[test]
fn every_kind_of_step_has_the_clauses_that_it_shows() {
    let steps = json!([
        { "in": "p", "do": "sched_yield", "clause": "TIME-1 others may go first" },
        { "in": "p", "do": "sched_yield" },
        { "check": "nothing", "expect": [{ "free_frames": { "since": "start", "change": 0 } }],
          "clause": ["MAP-1 a", "TIME-1 others may go first"] },
        { "tick": 1, "clause": ["TIME-2 time passes"] },
        { "fail": "read", "clause": "DISK-1 a disk can fail" },
    ]);
    let mut document = document("steps", &steps);
    document["guest"] = json!({ "swap": { "mib": 1 } });
    let scenario = Scenario::parse("steps.json", &document.to_string(), &[]).unwrap();
    let shown = |clauses: &Vec<Clause>| clauses.iter().map(ToString::to_string).collect::<Vec<_>>();
    let shown: Vec<Vec<String>> = scenario.step_clauses.iter().map(shown).collect();
    let expected: [&[&str]; 5] = [
        &["TIME-1 others may go first"],
        &[],
        &["MAP-1 a", "TIME-1 others may go first"],
        &["TIME-2 time passes"],
        &["DISK-1 a disk can fail"],
    ];
    assert_eq!(shown, expected);
}

#[test]
fn the_schema_and_the_parser_agree_on_what_is_a_clause() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for (clause, is_one) in [
        (json!("A-1 a"), true),
        (json!("A2-9999 more words, and - signs: 7"), true),
        (json!(["A-1 a", "B-1 b"]), true),
        (json!([]), false),
        (json!(["A-1 a", "A-1 a"]), false),
        (json!(1), false),
        (json!([["A-1 a"]]), false),
        (json!("A-1"), false),
        (json!("A-1 "), false),
        (json!("A-1  a"), false),
        (json!("A-1 a "), false),
        (json!("A-1 a\nb"), false),
        (json!("A-0 a"), false),
        (json!("A-01 a"), false),
        (json!("A-10000 a"), false),
        (json!("a-1 a"), false),
        (json!("2A-1 a"), false),
        (json!("A1 a"), false),
        (json!("says nothing"), false),
    ] {
        let steps = json!([{ "in": "p", "do": "sched_yield", "clause": clause }]);
        let document = document("steps", &steps);
        assert_eq!(validator.is_valid(&document), is_one, "the schema about {clause}");
        let parsed = Scenario::parse("steps.json", &document.to_string(), &[]);
        assert_eq!(parsed.is_ok(), is_one, "the parser about {clause}");
    }
}

/// A document without shipped clauses would be as wrong as clauses without the document.
#[test]
fn the_document_in_the_tree_lists_what_the_shipped_scenarios_show() {
    let document = root().join(DOCUMENT);
    let kept = fs::read_to_string(&document).ok();
    let run = clauses(&root(), &[]);
    let made = match run.status {
        PASS => Some(run.stdout),
        _ => {
            assert_eq!(run.stderr, NO_CLAUSE);
            None
        }
    };
    if kept == made {
        return;
    }
    let Some(made) = made else {
        panic!("{DOCUMENT} lists clauses, and no shipped scenario has one: remove it");
    };
    fs::write(document.with_extension("md.new"), made).unwrap();
    panic!("{DOCUMENT} is not what `vmm clauses` prints: read {DOCUMENT}.new, and rename it to accept it");
}

#[test]
fn families_are_tables_of_clauses_with_the_steps_that_show_them() {
    let folder = folder_with(&[
        (
            "write",
            json!([
                { "in": "p", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw", "clause": "MAP-1 memory | can be had" },
                { "tick": 1, "clause": ["TIME-2 time passes", "TIME-1 time is `u64`"] },
                { "tick": 1, "clause": "TIME-2 time passes" },
                { "check": "nothing else", "expect": [{ "not_mapped": ["p:buf"] }], "clause": "TIME-2 time passes" },
            ]),
        ),
        (
            "again",
            json!([{ "in": "p", "do": "sched_yield", "clause": "TIME-2 time passes" }]),
        ),
    ]);
    let run = clauses(folder.path(), &[]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    let tables = "\
## MAP

| clause | what it says | shown by |
|---|---|---|
| MAP-1 | memory \\| can be had | [`write`](../scenarios/write.json)<br>p: mmap 1 page private rw as buf |

## TIME

| clause | what it says | shown by |
|---|---|---|
| TIME-1 | time is `u64` | [`write`](../scenarios/write.json)<br>1 tick passes |
| TIME-2 | time passes | [`again`](../scenarios/again.json)<br>p: yield the processor<br>\
[`write`](../scenarios/write.json)<br>1 tick passes<br>check: nothing else |
";
    let (head, found) = run.stdout.split_at(run.stdout.find("## ").unwrap());
    assert_eq!(found, tables);
    assert!(head.starts_with("# ") && head.contains("`vmm clauses`"), "{head}");

    let run = clauses(folder.path(), &["--family", "TIME", "scenarios/write.json"]);
    assert_eq!((run.status, run.stderr.as_str()), (PASS, ""));
    assert!(!run.stdout.contains("MAP-1") && !run.stdout.contains("again.json"));
    assert!(
        run.stdout
            .contains("`vmm clauses scenarios/write.json --family TIME`"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_clause_that_says_two_things_is_told_with_both_places() {
    let folder = folder_with(&[
        ("a", steps_with(&["TIME-1 time passes"])),
        ("b", steps_with(&["TIME-2 it does", "TIME-1 time flies"])),
    ]);
    let run = clauses(folder.path(), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    let expected = "error: `TIME-1` says two things\n  scenarios/a.json:9: \"time passes\"\n  \
                    scenarios/b.json:13: \"time flies\"\n";
    assert_eq!(run.stderr, expected);
}

#[test]
fn every_number_that_a_family_leaves_out_is_told() {
    let folder = folder_with(&[
        ("a", steps_with(&["TIME-2 two", "TIME-9 nine"])),
        ("b", steps_with(&["TIME-3 three", "MAP-1 one"])),
    ]);
    let run = clauses(folder.path(), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    let expected = "error: `TIME-1` is missing: no step shows it, and there is `TIME-2`\n\
                    error: `TIME-4` to `TIME-8` are missing: no step shows them, and there is `TIME-9`\n";
    assert_eq!(run.stderr, expected);
}

#[test]
fn a_family_that_is_not_there_is_told() {
    let folder = folder_with(&[("a", steps_with(&["TIME-1 time passes", "MAP-1 one"]))]);
    let run = clauses(folder.path(), &["--family", "TIM"]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert_eq!(
        run.stderr,
        "error: no clause of the family `TIM`: expected one of MAP, TIME\n"
    );
}

#[test]
fn scenarios_without_clauses_give_no_document() {
    let folder = folder_with(&[("a", steps_with(&[]))]);
    let run = clauses(folder.path(), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert_eq!(run.stderr, NO_CLAUSE);
}

#[test]
fn an_unusable_scenario_is_told_with_its_place() {
    let folder = folder_with(&[("a", steps_with(&["TIME-1 time passes", "TIME-1 time flies"]))]);
    let run = clauses(folder.path(), &[]);
    assert_eq!((run.status, run.stdout.as_str()), (UNUSABLE, ""));
    assert!(
        run.stderr.contains("steps[2].clause: `TIME-1` says something"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_report_says_which_clauses_passed_and_which_a_finding_speaks_against() {
    let steps = json!([
        { "in": "p", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw", "clause": "MAP-2 memory can be had" },
        { "check": "in memory already", "expect": [{ "mapped": ["p:buf"] }],
          "clause": ["MAP-1 it is there at once", "MAP-2 memory can be had"] },
        { "in": "p", "do": "write", "at": "buf", "text": "x", "clause": "MAP-3 it can be written" },
        { "in": "p", "do": "fork", "as": "q", "errno": "EAGAIN" },
        { "in": "p", "do": "sched_yield", "clause": "TIME-1 others may go first" },
    ]);
    let text = document("wrong", &steps).to_string();
    let image = guest::image(ImageKind::Shipped);
    let scenario = Scenario::parse("wrong.json", &text, &image.programs).unwrap();
    let report = guest::run(image, &scenario, &[]);
    insta::assert_snapshot!(render(&report, Colour::Plain, Detail::Full));

    let json = serde_json::to_value(&report).unwrap();
    let outcome = |index: usize| json["clauses"][index].clone();
    assert_eq!(
        outcome(1),
        json!({ "id": "MAP-1", "text": "it is there at once", "outcome": "fail" })
    );
    assert_eq!(outcome(2)["outcome"], "pass");
    assert_eq!(outcome(3)["outcome"], "not-run");
    let check = &json["lines"][2];
    let both = json!([
        { "id": "MAP-1", "text": "it is there at once" },
        { "id": "MAP-2", "text": "memory can be had" },
    ]);
    assert_eq!(check["clauses"], both);
    assert_eq!(check["expectations"][0]["findings"][0]["clauses"], both);
}

#[test]
fn a_report_without_clauses_says_nothing_of_them() {
    let steps =
        json!([{ "in": "p", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw", "errno": "ENOMEM" }]);
    let text = document("wrong", &steps).to_string();
    let image = guest::image(ImageKind::Shipped);
    let scenario = Scenario::parse("wrong.json", &text, &image.programs).unwrap();
    let report = guest::run(image, &scenario, &[]);
    assert!(report.findings().next().is_some());
    assert!(!render(&report, Colour::Plain, Detail::Full).contains("clause"));
    assert!(!serde_json::to_string(&report).unwrap().contains("clause"));
}

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// What `vmm clauses` says in a folder.
fn clauses(folder: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.arg("clauses").args(arguments);
    let output = command.current_dir(folder).stdin(Stdio::null()).output().unwrap();
    Run {
        status: output.status.code().expect("no signal ends it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A process, and then steps that show these clauses.
fn steps_with(clauses: &[&str]) -> Value {
    let first = json!({ "in": "p", "do": "sched_yield" });
    let ticks = clauses
        .iter()
        .map(|clause| json!({ "tick": 1, "clause": clause }));
    std::iter::once(first).chain(ticks).collect()
}

fn document(name: &str, steps: &Value) -> Value {
    json!({ "name": name, "description": "An example.", "steps": steps })
}

/// A folder with a folder `scenarios`.
fn folder_with(scenarios: &[(&str, Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("scenarios");
    fs::create_dir(&below).unwrap();
    for (name, steps) in scenarios {
        let text = format!("{:#}\n", document(name, steps));
        fs::write(below.join(name).with_extension("json"), text).unwrap();
    }
    folder
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
