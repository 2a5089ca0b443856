//! The reference of the scenario language is what the types and the scenarios say, and what it shows can be run.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

#[path = "support/call.rs"]
mod call;
#[path = "support/document.rs"]
mod document;

use std::fs;

use vmm::image::{self, ImageKind};

use call::{root, text, vmm};

const DOCUMENT: &str = "docs/language.md";

#[test]
fn the_document_is_what_the_types_and_the_scenarios_say() {
    let printed = vmm(&["language"]);
    assert_eq!(
        (printed.status.code(), text(&printed.stderr).as_str()),
        (Some(0), "")
    );
    document::holds(DOCUMENT, &text(&printed.stdout));
}

#[test]
fn every_link_within_the_document_leads_somewhere() {
    let document = fs::read_to_string(root().join(DOCUMENT)).unwrap();
    let headings: Vec<String> = document
        .lines()
        .filter_map(|line| line.strip_prefix("## ").or(line.strip_prefix("### ")))
        .map(anchor)
        .collect();
    let mut links = document
        .split("](#")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    let astray: Vec<&str> = links
        .by_ref()
        .filter(|link| !headings.iter().any(|heading| heading == link))
        .collect();
    assert_eq!(astray, Vec::<&str>::new());
    let mut different = headings.clone();
    different.sort();
    different.dedup();
    assert_eq!(
        different.len(),
        headings.len(),
        "each heading has an anchor of its own"
    );
}

/// What a page calls a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|each| each.is_alphanumeric() || " -_".contains(*each));
    kept.map(|each| if each == ' ' { '-' } else { each }).collect()
}

#[test]
fn examples_that_no_shipped_scenario_has_can_be_run() {
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let image = image.kernel.parent().unwrap().display().to_string();
    let run = vmm(&["run", "--image", &image, "examples/language"]);
    assert_eq!(
        run.status.code(),
        Some(0),
        "{}{}",
        text(&run.stdout),
        text(&run.stderr)
    );
}

#[test]
fn what_no_scenario_shows_is_told() {
    let printed = vmm(&["language", "scenarios/cow.json"]);
    assert_eq!(
        (printed.status.code(), text(&printed.stdout).as_str()),
        (Some(2), "")
    );
    let told = text(&printed.stderr);
    let line = "error: no scenario shows the key `pages` of brk: add a step that has it to one, or give this command further scenarios\n";
    assert!(told.contains(line), "{told}");
    assert!(!told.contains(" of fork:"), "that is shown: {told}");
}
