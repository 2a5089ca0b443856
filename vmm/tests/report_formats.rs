//! Reports in every format, of scenarios that pass and of kernels that fail: each held against a parser or a schema that others wrote or
//! that is made from the types.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tap_parser::{TapParser, TapStatement};
use vmm::guest::{Guest, Record, ringside};
use vmm::image::{self, ImageKind};
use vmm::journal::{Entry, tell_run};
use vmm::report::text::{Colour, Detail, KernelLog};
use vmm::report::{Document, Format, Origin, Report, Style, Verdict, reader, schema};
use vmm::scenario::Scenario;

/// A kernel that passes with clauses, one whose fork keeps a page writable, one that panics, connections, and an exploration.
static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let kvm = vmm::vm::open().unwrap();
    let runs = [
        ("shadowpt/errors", ""),
        ("cow", "mutant=fork-keeps-parent-writable"),
        ("cow", "init=nothing"),
        ("net/vsock-errors", ""),
        ("dirtycow-vulnerable", ""),
    ];
    let reports = runs.map(|(file, option)| {
        let path = Path::new("scenarios").join(file).with_extension("json");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(root.join(&path)).unwrap();
        let scenario = Scenario::parse(file, &text, &image.programs).unwrap();
        let options: Vec<String> = Some(option.to_owned())
            .into_iter()
            .filter(|option| !option.is_empty())
            .collect();
        let guest = Guest::new(ringside::description(), &image, &options)
            .unwrap()
            .recording(Record::Memory);
        let mut report = vmm::run::run(&kvm, &guest, &scenario).unwrap();
        report.origin = Some(Origin {
            file: path.display().to_string().into(),
            command: format!("vmm run {}", path.display()).into(),
            step_lines: scenario.step_lines.clone(),
        });
        // For comparison with another kernel within the process.
        report.lines.iter_mut().for_each(|line| line.claims.clear());
        report
    });
    reports.to_vec()
});

fn told(format: Format, reports: &[Report]) -> String {
    let mut out = Vec::new();
    let style = Style {
        colour: Colour::Plain,
        detail: Detail::Full,
        log: KernelLog::Untold,
    };
    {
        let mut reader = reader(format, style, &mut out);
        reader
            .read(Entry::Began {
                expected: reports.len(),
            })
            .unwrap();
        for report in reports {
            tell_run(report, &mut *reader).unwrap();
        }
        reader.read(Entry::Ended { interrupted: false }).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn assert_valid(schema: &Value, document: &Value) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_runs_are_of_all_kinds() {
    let verdicts: Vec<Verdict> = REPORTS.iter().map(|report| report.verdict).collect();
    use Verdict::{Fail, Pass};
    assert_eq!(verdicts, [Pass, Fail, Fail, Pass, Pass]);
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

#[test]
fn markdown_has_a_row_for_each_scenario_and_the_findings_of_those_that_failed() {
    let text = told(Format::Markdown, &REPORTS);
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| ✅ |") || line.starts_with("| ❌ |"));
    assert_eq!(rows.count(), REPORTS.len(), "{text}");
    let findings: usize = REPORTS
        .iter()
        .filter(|report| report.verdict != Verdict::Pass)
        .map(|report| report.findings().count())
        .sum();
    assert_eq!(text.matches("  - expected: ").count(), findings, "{text}");
    assert!(text.contains("    vmm run scenarios/cow.json\n"), "{text}");
}

/// The page itself is tried in a browser by `ci/browser-check`.
#[test]
fn html_loads_nothing_every_link_in_it_leads_somewhere_and_nothing_said_is_markup() {
    let html = told(Format::Html, &REPORTS);
    let values = |attribute: &str| -> Vec<String> {
        let begins = format!(" {attribute}=\"");
        let parts = html.split(&begins).skip(1);
        parts
            .map(|part| part.split('"').next().unwrap().to_owned())
            .collect()
    };
    let ids: BTreeSet<String> = values("id").into_iter().collect();
    assert_eq!(ids.len(), values("id").len(), "each anchor is there once");
    for href in values("href") {
        let leads = href.strip_prefix('#').is_some_and(|id| ids.contains(id));
        assert!(leads || href == "data:,", "{href}");
    }
    assert_eq!(values("src"), Vec::<String>::new());
    let steps: usize = REPORTS.iter().map(|report| report.lines.len()).sum();
    assert_eq!(html.matches("<article ").count(), steps);
    assert!(html.contains("<code>vmm run scenarios/cow.json</code>"), "{html}");

    let mut hostile = REPORTS[1].clone();
    hostile.lines[0].what = "</title></script><script>alert(1)</script>\"'&".into();
    let page = told(Format::Html, &[hostile]);
    assert_eq!(page.matches("<script").count(), 1);
}

#[test]
fn a_page_shows_whose_pages_are_on_which_frame_and_what_a_step_changed() {
    let report = &REPORTS[1];
    let fork = report
        .lines
        .iter()
        .position(|line| line.what.contains("fork"))
        .unwrap();
    let memory = report.lines[fork].memory.as_ref().unwrap();
    let frames = |process: &str| -> Vec<String> {
        let process = memory
            .processes
            .iter()
            .find(|memory| memory.process == *process)
            .unwrap();
        let pages = process.areas.iter().flat_map(|area| &area.pages);
        pages
            .map(|page| page.on.as_ref().unwrap().frame.to_string())
            .collect()
    };
    assert_eq!((frames("parent").len(), frames("parent")), (4, frames("child")));
    let html = told(Format::Html, &REPORTS[1..2]);
    assert!(html.len() < 300_000, "{} bytes", html.len());
    let step = html.split("<article ").nth(fork + 1).unwrap();
    // A line from each of eight pages, to four frames.
    assert_eq!(
        (
            step.matches("class=\"map ").count(),
            step.matches("class=\"frame").count()
        ),
        (8, 4)
    );
}

#[test]
fn of_memory_that_is_too_much_to_show_a_part_is_recorded() {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let kvm = vmm::vm::open().unwrap();
    let steps = r#"{ "in": "parent", "do": "mmap", "as": "buf", "pages": 400, "prot": "rw" },
        { "in": "parent", "do": "write", "at": "buf+300p", "text": "hello" },
        { "in": "parent", "do": "write", "at": "buf", "fill": { "byte": 7, "bytes": 1228800 } }"#;
    let reads = r#", { "in": "parent", "do": "read", "at": "buf+300p", "text": "hello" }"#.repeat(200);
    let text = format!(r#"{{ "name": "many", "description": "Many pages.", "steps": [ {steps}{reads} ] }}"#);
    let scenario = Scenario::parse("many", &text, &image.programs).unwrap();
    let guest = Guest::new(ringside::description(), &image, &[])
        .unwrap()
        .recording(Record::Memory);
    let report = vmm::run::run(&kvm, &guest, &scenario).unwrap();
    assert_eq!(report.verdict, Verdict::Pass, "{report:#?}");
    let area = |step: usize| {
        let line = report.lines.iter().find(|line| line.step == Some(step)).unwrap();
        line.memory.as_ref().map(|memory| &memory.processes[0].areas[0])
    };
    let pages =
        |step: usize| -> Vec<u64> { area(step).unwrap().pages.iter().map(|page| page.page).collect() };
    assert_eq!((area(2).unwrap().length_pages, pages(2)), (400, vec![300]));
    assert_eq!(pages(3), (0..32).collect::<Vec<u64>>());
    assert!(area(203).is_none(), "what is recorded of a run has an end");
    let maps = report.lines.iter().filter_map(|line| line.memory.as_ref());
    let last: Vec<bool> = maps.map(|memory| memory.is_last).collect();
    assert_eq!(last.iter().filter(|is_last| **is_last).count(), 1);
    assert_eq!(last.last(), Some(&true));
}

#[test]
fn a_report_says_the_same_whether_memory_is_recorded_or_not() {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let kvm = vmm::vm::open().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/cow.json");
    let scenario = Scenario::parse("cow", &fs::read_to_string(path).unwrap(), &image.programs).unwrap();
    let [with, without] = [Record::Memory, Record::Nothing].map(|record| {
        let guest = Guest::new(ringside::description(), &image, &[])
            .unwrap()
            .recording(record);
        vmm::run::run(&kvm, &guest, &scenario).unwrap()
    });
    assert!(with.lines.iter().any(|line| line.memory.is_some()));
    assert!(without.lines.iter().all(|line| line.memory.is_none()));
    assert_eq!(told(Format::Text, &[with]), told(Format::Text, &[without]));
}

#[test]
fn every_format_is_the_same_bytes_each_time() {
    for format in Format::ALL {
        assert_eq!(told(*format, &REPORTS), told(*format, &REPORTS), "{format}");
    }
}
