//! What strangers name cannot move a cursor, turn a line round, hide, or stand at the left margin as if the command had said it.

use std::fs;

use crate::command::{Run, image, vmm};
use crate::symbol::elf_with_symbol;
use crate::tiny_elf::{ENTRY, elf, report};

const FAIL: Option<i32> = Some(1);
const BROKEN: Option<i32> = Some(2);

/// Characters that must not be printed, one of each kind: controls, marks of bidirectional text, separators of lines, and what is
/// blank or has no width.
const HIDDEN: &[char] = &[
    '\x1b',
    '\x07',
    '\x08',
    '\x7f',
    '\r',
    '\u{9b}',
    '\u{85}',
    '\u{ad}',
    '\u{34f}',
    '\u{61c}',
    '\u{115f}',
    '\u{200b}',
    '\u{200d}',
    '\u{200e}',
    '\u{200f}',
    '\u{2028}',
    '\u{2029}',
    '\u{202a}',
    '\u{202b}',
    '\u{202c}',
    '\u{202d}',
    '\u{202e}',
    '\u{2060}',
    '\u{2066}',
    '\u{2067}',
    '\u{2068}',
    '\u{2069}',
    '\u{3164}',
    '\u{fe0f}',
    '\u{feff}',
    '\u{e0041}',
];

/// All of them, and a line that would be a verdict at the left margin.
fn hostile() -> String {
    let hidden: String = HIDDEN.iter().collect();
    format!("mark{hidden}[2J\n\nPASS forged: 22 steps\nclause A-1 forged: pass\nkernel: forged")
}

#[track_caller]
fn assert_harmless(run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        assert_eq!(text.chars().find(|each| HIDDEN.contains(each)), None, "{text:?}");
        let forged = text.lines().find(|line| {
            ["PASS forged", "clause A-1 forged", "kernel: forged"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        assert_eq!(forged, None, "{text}");
    }
}

/// A kernel that logs, or panics with, a text, and halts if it can.
fn says(kind: u32, text: &str) -> Vec<u8> {
    let address = u64::from(ENTRY) + 64 + abi::event::RECORD_BYTES as u64;
    report(kind, [address, text.len() as u64, 0, 0], text.as_bytes())
}

/// Halts, and has an instruction behind that, at which it then is.
const HALT: &[u8] = &[0xf4, 0x90];

const FORMATS: [&[&str]; 4] = [
    &["run", "--log", "--states"],
    &["run", "--log", "--verbose"],
    &["run", "--quiet", "--log"],
    &["run", "--format", "json", "--states"],
];

fn runs(kernel: &[u8]) -> impl Iterator<Item = Run> {
    let image = image(kernel);
    FORMATS.iter().map(move |arguments| {
        let image = image.path().to_str().unwrap();
        vmm(&[arguments, &["--image", image, "scenarios/demand-zero.json"][..]].concat())
    })
}

#[test]
fn a_line_of_the_log_stands_under_the_report_whatever_is_in_it() {
    for (index, run) in runs(&elf(&says(abi::event::LOG, &hostile()))).enumerate() {
        assert_eq!(run.status, FAIL, "{}", run.stderr);
        assert!(run.stdout.contains("mark\\"), "format {index}: {}", run.stdout);
        assert_harmless(&run);
    }
}

#[test]
fn a_panic_is_told_whatever_the_kernel_says() {
    for (index, run) in runs(&elf(&says(abi::event::PANIC, &hostile()))).enumerate() {
        assert_eq!(run.status, FAIL, "{}", run.stderr);
        assert_eq!(run.stdout.contains("mark\\"), index != 2, "{}", run.stdout);
        assert_harmless(&run);
    }
}

#[test]
fn a_function_can_have_any_name_and_only_the_start_of_a_long_one_is_told() {
    for name in [hostile(), "n".repeat(3 << 20)] {
        for run in runs(&elf_with_symbol(HALT, &name)) {
            assert_eq!(run.status, FAIL, "{}", run.stderr);
            assert_harmless(&run);
            assert!(run.stdout.len() < 4096, "{} bytes", run.stdout.len());
        }
    }
    let told = runs(&elf_with_symbol(HALT, &hostile())).next().unwrap().stdout;
    assert!(told.contains(" in mark\\u{1b}"), "{told}");
}

/// A scenario whose description, check and clause are the hostile text.
fn hostile_scenario() -> String {
    let (several, one) = (hostile(), hostile().replace(['\n', '\r'], " "));
    let text: String = one.chars().filter(|each| !each.is_control()).collect();
    serde_json::json!({
        "name": "strange", "description": several,
        "steps": [
            { "in": "a", "do": "mmap", "as": "buf", "pages": 1, "prot": "rw", "clause": format!("A-1 {}", text.trim()) },
            { "check": several, "expect": [ { "not_mapped": ["a:buf"] } ] },
            { "in": "a", "do": "write", "at": "buf", "text": several } ]
    })
    .to_string()
}

#[test]
fn a_scenario_of_a_stranger_says_nothing_at_the_left_margin() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strange.json");
    fs::write(&file, hostile_scenario()).unwrap();
    let file = file.to_str().unwrap();
    let image = image(&elf(&[0xf4]));
    for arguments in FORMATS {
        let run = vmm(&[arguments, &["--image", image.path().to_str().unwrap(), file][..]].concat());
        assert_eq!(run.status, FAIL, "{}", run.stderr);
        assert_harmless(&run);
    }
    for arguments in [["list", file], ["clauses", file]] {
        let run = vmm(&arguments);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(run.stdout.contains("mark"), "{}", run.stdout);
        assert_harmless(&run);
    }
}

#[test]
fn what_is_wrong_with_a_scenario_is_shown_without_what_it_hides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strange.json");
    let texts = [
        format!("{{ \"name\": \"{}\" }}", hostile()),
        format!("{{ \"name\": {}, \"steps\": 1 }}", serde_json::json!(hostile())),
        format!("{{ {}: 1 }}", serde_json::json!(hostile())),
    ];
    for text in texts {
        fs::write(&file, text).unwrap();
        let run = vmm(&[
            "run",
            "--image",
            image(&elf(&[0xf4])).path().to_str().unwrap(),
            file.to_str().unwrap(),
        ]);
        assert_eq!(run.status, BROKEN, "{}", run.stdout);
        assert!(run.stderr.contains("strange.json"), "{}", run.stderr);
        assert_harmless(&run);
    }
}
