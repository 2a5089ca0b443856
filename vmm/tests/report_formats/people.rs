//! Formats that people read, and the memory that they show.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use vmm::guest::{Guest, Record, ringside};
use vmm::image::{self, ImageKind};
use vmm::report::{Format, Verdict};
use vmm::scenario::Scenario;

use crate::{REPORTS, told};

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
        .recording(Record::MEMORY);
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
    let [with, without] = [Record::MEMORY, Record::NOTHING].map(|record| {
        let guest = Guest::new(ringside::description(), &image, &[])
            .unwrap()
            .recording(record);
        vmm::run::run(&kvm, &guest, &scenario).unwrap()
    });
    assert!(with.lines.iter().any(|line| line.memory.is_some()));
    assert!(without.lines.iter().all(|line| line.memory.is_none()));
    assert_eq!(told(Format::Text, &[with]), told(Format::Text, &[without]));
}
