use std::collections::BTreeSet;

use super::super::{Content, Expectation, Operation, Scenario, Step};

fn drawn(seed: u64) -> Scenario {
    let text = r#"{ "name": "a", "description": "d", "steps": [
        { "in": "a", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
        { "in": "a", "do": "mmap", "as": "file", "pages": 1, "prot": "r", "sharing": "private", "file": "init" },
        { "in": "a", "do": "write", "at": "buf", "text": "ab, ab" },
        { "in": "a", "do": "write", "at": "buf+8", "fill": { "byte": 97, "bytes": 3 } },
        { "in": "a", "do": "read", "at": "file", "text": "ab" },
        { "check": "c", "expect": [ { "content": { "at": "a:buf", "text": "ab, ab" } } ] } ] }"#;
    let mut scenario = Scenario::parse_for_any_image("a.json", text).unwrap();
    scenario.draw(seed);
    scenario
}

fn content(step: &Step) -> &Content {
    match step {
        Step::Operation(step) => match &step.operation {
            Operation::Read(what) | Operation::Write(what) => &what.content,
            other => panic!("{other}"),
        },
        Step::Check(step) => match &step.expect[0] {
            Expectation::Content(what) => &what.content,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

#[test]
fn what_was_equal_stays_equal_and_other_seeds_give_other_bytes() {
    let mut texts = BTreeSet::new();
    for seed in 0..10 {
        let scenario = drawn(seed);
        let steps = scenario.performed();
        let Content::Text(text) = content(&steps[2]) else {
            panic!()
        };
        assert_eq!(content(&steps[5]), content(&steps[2]));
        let bytes = text.as_bytes();
        assert_eq!((&bytes[2..4], &bytes[..2]), (&b", "[..], &bytes[4..]));
        assert_eq!(content(&steps[3]).repeated_byte(), Some(bytes[0]));
        assert_eq!(scenario, drawn(seed));
        texts.insert(text.clone());
    }
    assert!(texts.len() > 5, "{texts:?}");
}

#[test]
fn what_a_file_holds_is_not_drawn_and_what_is_told_stays() {
    let scenario = drawn(1);
    assert_eq!(content(&scenario.performed()[4]), &Content::Text("ab".to_owned()));
    assert_eq!(content(&scenario.steps[2]), &Content::Text("ab, ab".to_owned()));
}

/// The page that a step names, and the size of what it maps.
fn pages(step: &Step) -> Vec<u64> {
    let Step::Operation(step) = step else {
        panic!("{step:?}")
    };
    match &step.operation {
        Operation::Mmap { pages, .. } => pages.iter().copied().collect(),
        operation => operation
            .clone()
            .places_mut()
            .iter()
            .map(|place| place.pages)
            .collect(),
    }
}

/// A scenario whose region `buf` has four pages, and what is done with them, drawn.
fn placed(steps: &str, seed: u64) -> Scenario {
    let text = format!(
        r#"{{ "name": "a", "description": "d", "steps": [
            {{ "in": "a", "do": "mmap", "as": "buf", "pages": 4, "prot": "rw" }}, {steps} ] }}"#
    );
    let mut scenario = Scenario::parse_for_any_image("a.json", &text).unwrap();
    scenario.draw(seed);
    scenario
}

#[test]
fn pages_get_other_numbers_and_regions_other_sizes() {
    let steps = r#"{ "in": "a", "do": "write", "at": "buf+3p", "text": "a" },
        { "in": "a", "do": "munmap", "at": "buf+1p", "pages": 1 },
        { "check": "c", "expect": [ { "dirtied": { "region": "a:buf", "pages": [3] } }, { "mapped": ["a:buf+3p"] } ] }"#;
    let mut seen = BTreeSet::new();
    for seed in 0..20 {
        let scenario = placed(steps, seed);
        let drawn = scenario.performed();
        let (size, front) = (pages(&drawn[0])[0], pages(&drawn[1])[0] - 3);
        assert!(size >= 4 + front, "{size} pages, {front} in front");
        assert_eq!(pages(&drawn[2]), [1 + front]);
        let [Expectation::Dirtied { pages, .. }, Expectation::Mapped(places)] = drawn[3].expectations()
        else {
            panic!()
        };
        assert_eq!((pages[0], places[0].place.pages), (3 + front, 3 + front));
        seen.insert((size, front));
    }
    assert!(seen.len() > 8, "{seen:?}");
}

#[test]
fn a_region_stays_where_its_place_or_the_number_of_frames_matters() {
    let laid_over = r#"{ "in": "a", "do": "fork", "as": "b" }, { "in": "b", "do": "execve", "program": "agent" },
        { "in": "b", "do": "mmap", "as": "low", "pages": 4, "prot": "rw" },
        { "in": "b", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw", "at": "low+1p" }"#;
    let counted = r#"{ "check": "c", "expect": [ { "free_frames": { "since": "start", "change": 0 } } ] }"#;
    for steps in [laid_over, counted] {
        for seed in 0..10 {
            let scenario = placed(steps, seed);
            assert_eq!(pages(&scenario.performed()[0]), [4], "{steps}");
        }
    }
}
