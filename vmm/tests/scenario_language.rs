//! What a scenario file can say, and what the JSON Schema of the language says about it.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use vmm::image::{self, ImageKind};
use vmm::scenario::{
    Content, ContentAt, Expected, Operation, Return, SCHEMA_FILE, Scenario, Step, collect, schema,
};

/// Programs that the tests' guest image has.
fn programs() -> Vec<String> {
    ["hello", "fork-tree"].map(str::to_owned).to_vec()
}

fn parse(document: &Value) -> Result<Scenario, Vec<String>> {
    let text = serde_json::to_string_pretty(document).unwrap();
    Scenario::parse("example.json", &text, &programs())
        .map_err(|errors| errors.problems().iter().map(ToString::to_string).collect())
}

fn document(steps: &Value) -> Value {
    json!({ "name": "example", "description": "An example.", "steps": steps })
}

/// Every operation and every expectation, with every key at least once.
fn everything() -> Value {
    const EVERYTHING: &str = r#"{
        "$schema": "schema.json",
        "name": "example",
        "description": "Everything that can be said.",
        "guest": { "memory_mib": 64, "swap": { "mib": 1 }, "options": { "verbose": "", "mutant": "no-cow" } },
        "budget": { "exits": 5, "seconds": 6 },
        "steps": [
            { "in": "p", "do": "mmap", "as": "buf", "pages": 4, "prot": "rw", "clause": "MAP-1 memory can be mapped" },
            { "in": "p", "do": "mmap", "as": "fixed", "pages": 1, "prot": "r", "sharing": "shared", "at": "buf+3p" },
            { "in": "p", "do": "mmap", "as": "huge", "pages": 99999999, "prot": "rwx", "sharing": "private", "errno": "ENOMEM" },
            { "in": "p", "do": "munmap", "at": "fixed", "pages": 1 },
            { "in": "p", "do": "mprotect", "at": "buf+1p", "pages": 1, "prot": "none" },
            { "in": "p", "do": "mprotect", "at": "buf+1p", "pages": 1, "prot": "rx" },
            { "in": "p", "do": "mprotect", "at": "buf+1p", "pages": 1, "prot": "w" },
            { "in": "p", "do": "madvise", "at": "buf", "pages": 1, "advice": "dontneed" },
            { "in": "p", "do": "madvise", "at": "buf+1", "pages": 1, "advice": "dontneed", "errno": "EINVAL" },
            { "in": "p", "do": "brk", "pages": 2 },
            { "in": "p", "do": "brk", "pages": -1 },
            { "in": "p", "do": "touch_stack", "as": "stack", "pages": 3 },
            { "in": "p", "do": "write", "at": "buf+1p+16", "text": "hello" },
            { "in": "p", "do": "write", "at": "heap", "fill": { "byte": 255, "bytes": 10 } },
            { "in": "p", "do": "read", "at": "buf", "zeros": 100 },
            { "check": "at first", "expect": [{ "mapped": ["p:buf"] }],
              "clause": ["MAP-2 what was written is mapped", "MAP-1 memory can be mapped"] },
            { "tick": 2, "clause": ["TIME-1 time passes"] },
            { "fail": "read", "nth": 3, "clause": "DISK-1 a disk can fail" },
            { "in": "p", "do": "fork", "as": "c" },
            { "in": "p", "do": "wait", "for": "c", "nohang": true },
            { "in": "p", "do": "wait", "for": "c", "status": { "signal": "SIGSEGV" }, "blocks": true },
            { "in": "c", "do": "sched_yield" },
            { "in": "c", "do": "exec", "program": "hello", "args": ["a", "b"], "status": { "exit": 3 }, "output": "a b\n" },
            { "in": "c", "do": "exec", "program": "fork-tree" },
            { "in": "c", "do": "write", "at": "buf+3p", "text": "x", "fault": "SIGSEGV" },
            { "in": "p", "do": "finish" },
            { "in": "p", "do": "fork_until", "as": "many", "errno": "ENOMEM", "limit": 10 },
            { "in": "many", "do": "exit", "status": 4 },
            { "in": "p", "do": "wait", "for": "many", "status": { "exit": 4 } },
            { "in": "p", "do": "wait", "errno": "ECHILD" },
            { "in": "p", "do": "fork", "as": "unborn", "errno": "ENOMEM" },
            { "in": "p", "do": "pagemap", "of": "p:buf", "is": ["present", "swapped", "none", "left_out"] },
            { "check": "all expectations", "expect": [
                { "same_frame": ["p:buf", "p:buf+8"] },
                { "different_frames": ["p:buf", "p:buf+1p", "p:heap"] },
                { "mapped": ["p:stack"] },
                { "not_mapped": ["p:fixed"] },
                { "writable": ["p:stack+1p"] },
                { "not_writable": ["p:buf+3p"] },
                { "content": { "at": "p:buf+1p+16", "text": "hello" } },
                { "content": { "at": "p:buf+1p+16", "fill": { "byte": 104, "bytes": 1 } } },
                { "content": { "at": "p:buf+1p", "zeros": 16 } },
                { "dirtied": { "region": "p:buf", "pages": [0, 2] } },
                { "dirtied": { "region": "p:buf", "pages": [] } },
                { "module_pages": { "module": "m", "at": "p:buf", "pages": 2, "first": 1, "frames": "scattered", "reserved": false } },
                { "frame_kept": ["p:buf"] },
                { "free_frames": { "since": "start", "change": -3 } },
                { "free_frames": { "since": "last_check", "change": 1 } },
                { "exit_status": { "of": "c", "signal": "SIGSEGV" } },
                { "exit_status": { "of": "many", "exit": 4 } },
                { "faulted": { "process": "c", "at": "buf+3p", "access": "write" } } ] },
            { "in": "p", "do": "exit", "status": 0 }
        ]
    }"#;
    serde_json::from_str(EVERYTHING).unwrap()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn shipped() -> Vec<(PathBuf, String)> {
    let files = collect(&[folder("scenarios")]).unwrap();
    files
        .into_iter()
        .map(|file| (file.clone(), fs::read_to_string(file).unwrap()))
        .collect()
}

#[test]
fn every_operation_and_expectation_can_be_said() {
    let scenario = parse(&everything()).unwrap();
    assert_eq!(
        scenario.steps.len(),
        everything()["steps"].as_array().unwrap().len()
    );
    assert_eq!(scenario.step_lines.len(), scenario.steps.len());
    assert_eq!(scenario.first_process().as_str(), "p");
}

#[test]
fn steps_and_expectations_read_as_fragments_of_sentences() {
    let scenario = parse(&everything()).unwrap();
    let mut lines = String::new();
    for step in &scenario.steps {
        lines += &format!("{step}\n");
        if let Step::Check(check) = step {
            check
                .expect
                .iter()
                .for_each(|expectation| lines += &format!("    {expectation}\n"));
        }
    }
    insta::assert_snapshot!(lines);
}

#[test]
fn what_is_left_out_has_its_default() {
    let scenario = parse(&document(&json!([
        { "in": "p", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" },
        { "in": "p", "do": "exec", "program": "hello" },
    ])))
    .unwrap();
    assert_eq!((scenario.guest.memory_mib, scenario.guest.options.len()), (32, 0));
    assert_eq!((scenario.budget.exits, scenario.budget.seconds), (1_000_000, 10));
    let [Step::Operation(mmap), Step::Operation(exec)] = scenario.steps.as_slice() else {
        panic!("two operations")
    };
    assert_eq!((mmap.expected, mmap.returns), (Expected::Success, Return::AtOnce));
    assert_eq!(mmap.to_string(), "p: mmap 1 page private rw as buf");
    assert_eq!(exec.to_string(), "p: exec hello: exit status 0");
}

#[test]
fn for_any_image_every_program_is_there() {
    let text = document(&json!([{ "in": "p", "do": "exec", "program": "unheard-of" }])).to_string();
    assert!(Scenario::parse("example.json", &text, &programs()).is_err());
    assert!(Scenario::parse_for_any_image("example.json", &text).is_ok());
}

#[test]
fn contents_become_bytes() {
    let written = |content: Value| {
        let mut write = json!({ "in": "p", "do": "write", "at": "buf" });
        write
            .as_object_mut()
            .unwrap()
            .extend(content.as_object().unwrap().clone());
        let steps = json!([{ "in": "p", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw" }, write]);
        let scenario = parse(&document(&steps)).unwrap();
        let Step::Operation(step) = &scenario.steps[1] else {
            panic!("an operation")
        };
        let Operation::Write(ContentAt { content, .. }) = &step.operation else {
            panic!("a write")
        };
        content.clone()
    };
    assert_eq!(
        *written(json!({ "text": "h\u{e9}" })).to_bytes(),
        [b'h', 0xc3, 0xa9]
    );
    assert_eq!(
        *written(json!({ "fill": { "byte": 9, "bytes": 2 } })).to_bytes(),
        [9, 9]
    );
    let zeros = written(json!({ "zeros": 3 }));
    assert_eq!(zeros, Content::Zeros(3));
    assert_eq!(
        (&*zeros.to_bytes(), zeros.repeated_byte(), zeros.len_bytes()),
        (&[0, 0, 0][..], Some(0), 3)
    );
}

#[test]
fn every_step_knows_its_line() {
    let text = "{ \"name\": \"example\", \"description\": \"d\",\n\"steps\": [\n{ \"in\": \"p\",\n\"do\": \"sched_yield\" },\n\
                { \"in\": \"p\", \"do\": \"sched_yield\" } ] }";
    let scenario = Scenario::parse("example.json", text, &[]).unwrap();
    assert_eq!(scenario.step_lines, [3, 5]);
}

#[test]
fn every_shipped_scenario_is_valid() {
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    let shipped = shipped();
    assert!(shipped.len() >= 11, "found {}", shipped.len());
    for (file, text) in shipped {
        if let Err(errors) = Scenario::parse(&file.to_string_lossy(), &text, &image.programs) {
            panic!("{:?}", miette::Report::new(errors));
        }
    }
}

/// The file is for editors; `RINGSIDE_UPDATE=1` writes it anew.
#[test]
fn the_schema_in_the_tree_is_the_schema_of_the_types() {
    let file = folder("scenarios").join(SCHEMA_FILE);
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("RINGSIDE_UPDATE").is_some() {
        fs::write(&file, &made).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(
        kept == made,
        "{} is not what the types say: run this test with RINGSIDE_UPDATE=1",
        file.display()
    );
}

#[test]
fn the_schema_accepts_every_valid_scenario() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let shipped = shipped()
        .into_iter()
        .map(|(_, text)| serde_json::from_str(&text).unwrap());
    for document in shipped.chain([everything()]) {
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", document["name"]);
    }
}

#[test]
fn the_schema_and_the_parser_refuse_an_unknown_key_in_every_object() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let objects = object_pointers(&everything());
    assert!(objects.len() > 60, "found {}", objects.len());
    for pointer in objects.iter().filter(|pointer| *pointer != "/guest/options") {
        let mut document = everything();
        let object = document.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        object.insert("surprise".to_owned(), json!(1));
        assert!(
            !validator.is_valid(&document),
            "the schema accepts a surprise in {pointer}"
        );
        assert!(
            parse(&document).is_err(),
            "the parser accepts a surprise in {pointer}"
        );
    }
}

#[test]
fn the_schema_and_the_parser_agree_on_which_keys_can_be_left_out() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for pointer in object_pointers(&everything()) {
        let keys: Vec<String> = everything()
            .pointer(&pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for key in keys {
            let mut document = everything();
            document
                .pointer_mut(&pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&key);
            let parsed = parse(&document);
            if !validator.is_valid(&document) {
                assert!(parsed.is_err(), "the schema alone demands {pointer}/{key}");
            } else if let Err(problems) = parsed {
                let demanded = problems.iter().any(|problem| problem.contains("is missing"));
                // Whether a wait needs a status depends on its other keys, which is beyond the schema.
                assert!(
                    !demanded || key == "status" || key == "nohang" || key == "errno",
                    "{pointer}/{key}: {problems:?}"
                );
            }
        }
    }
}

#[test]
fn the_schema_explains_every_key() {
    let mut unexplained = Vec::new();
    find_unexplained(&schema(), "", &mut unexplained);
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn the_schema_refuses_an_outcome_that_the_operation_cannot_have() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for step in [
        json!({ "in": "p", "do": "sched_yield", "errno": "EINVAL" }),
        json!({ "in": "p", "do": "read", "at": "buf", "zeros": 1, "errno": "EFAULT" }),
        json!({ "in": "p", "do": "munmap", "at": "buf", "pages": 1, "fault": "SIGSEGV" }),
        json!({ "in": "p", "do": "fork_until", "as": "c", "limit": 3 }),
        json!({ "in": "p", "do": "read", "at": "buf", "zeros": 1, "text": "x" }),
    ] {
        let document = document(&json!([step]));
        assert!(!validator.is_valid(&document), "{step}");
        assert!(parse(&document).is_err(), "{step}");
    }
}

/// JSON pointers of every object in a document.
fn object_pointers(document: &Value) -> Vec<String> {
    fn visit(value: &Value, pointer: String, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| {
                    visit(value, format!("{pointer}/{}", key.replace('/', "~1")), found);
                });
                found.push(pointer);
            }
            Value::Array(array) => {
                array
                    .iter()
                    .enumerate()
                    .for_each(|(index, value)| visit(value, format!("{pointer}/{index}"), found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = Vec::new();
    visit(document, String::new(), &mut found);
    found
}

/// Places in a schema of properties without a description of their own or of their type.
fn find_unexplained(value: &Value, place: &str, unexplained: &mut Vec<String>) {
    if let Some(properties) = value.get("properties").and_then(Value::as_object) {
        for (key, property) in properties {
            let explained = ["description", "$ref", "const"]
                .iter()
                .any(|keyword| property.get(keyword).is_some());
            // An expectation's one key is explained by the alternative that it makes up.
            if !explained && value.get("description").is_none() {
                unexplained.push(format!("{place}/{key}"));
            }
        }
    }
    match value {
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(key, value)| find_unexplained(value, &format!("{place}/{key}"), unexplained));
        }
        Value::Array(array) => {
            array
                .iter()
                .enumerate()
                .for_each(|(index, value)| find_unexplained(value, &format!("{place}/{index}"), unexplained));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
