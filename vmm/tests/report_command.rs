//! `--format` and `--report`: what is written where, and what is refused before anything runs.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use vmm::image::{self, ImageKind};

const COW: &str = "scenarios/cow.json";

struct Run {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    command.arg("run").args(arguments).current_dir(root);
    // Where an engine of GitHub's runs the test, its files are not this test's.
    command
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_OUTPUT");
    command
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A kernel whose fork leaves the parent's pages writable.
fn failing() -> Vec<String> {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let folder = image.kernel.parent().unwrap().to_str().unwrap().to_owned();
    let option = "mutant=fork-keeps-parent-writable".to_owned();
    vec!["--image".to_owned(), folder, "--option".to_owned(), option]
}

#[test]
fn what_is_no_report_is_refused_with_what_to_do_and_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.xml").display().to_string();
    let (junit, html) = (format!("junit={file}"), format!("html={file}"));
    for (arguments, complaint) in [
        (
            &["--format", "xml"][..],
            "possible values: text, json, jsonl, ktap, junit, gradescope, github, markdown, html",
        ),
        (
            &["--report", "junit"],
            "expected FORMAT=FILE, as in `junit=report.xml`",
        ),
        (
            &["--report", "junit="],
            "expected FORMAT=FILE, as in `junit=report.xml`",
        ),
        (
            &["--report", "xml=a.xml"],
            "`xml` is no format of a report; there are text, json, jsonl,",
        ),
        (
            &["--report", "junit=/nowhere/a.xml"],
            "error: cannot write the report /nowhere/a.xml: No such file or directory",
        ),
        (
            &["--report", &junit, "--report", &html],
            "give each a file of its own",
        ),
    ] {
        let run = run(command(&failing().iter().map(String::as_str).collect::<Vec<_>>())
            .args(arguments)
            .arg(COW));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{}", run.stderr);
        assert!(run.stderr.contains(complaint), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn one_call_writes_text_and_as_many_files_as_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let mut command = command(&[]);
    command.args(failing());
    for format in [
        "json",
        "jsonl",
        "ktap",
        "junit",
        "gradescope",
        "markdown",
        "html",
        "text",
    ] {
        command
            .arg("--report")
            .arg(format!("{format}={}", path(format).display()));
    }
    let run = run(command.arg(COW));
    assert_eq!((run.status, run.stderr.as_str()), (Some(1), ""));
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("text"), run.stdout);
    let document: Value = serde_json::from_str(&read("json")).unwrap();
    let origin = &document["reports"][0]["origin"];
    assert_eq!(origin["file"], COW);
    let again = origin["command"].as_str().unwrap();
    assert!(
        again.starts_with("vmm run scenarios/cow.json --image "),
        "{again}"
    );
    assert!(
        again.ends_with("--option 'mutant=fork-keeps-parent-writable'"),
        "{again}"
    );
    assert!(read("ktap").starts_with("KTAP version 1\n1..1\n"));
    assert!(read("html").contains(&format!("<code>{again}</code>")));
    for name in ["jsonl", "junit", "gradescope", "markdown"] {
        assert!(read(name).contains("parent:buf"), "{name}");
    }
}

#[test]
fn an_engine_of_github_gets_annotations_a_summary_and_a_result_beside_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (summary, output) = (folder.path().join("summary"), folder.path().join("output"));
    fs::write(&output, "other=1\n").unwrap();
    let mut command = command(&["--format", "github"]);
    command.args(failing()).arg(COW);
    command
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &output);
    let run = run(&mut command);
    assert!(
        run.stdout.starts_with("::error file=scenarios/cow.json,line="),
        "{}",
        run.stdout
    );
    assert!(
        fs::read_to_string(&summary)
            .unwrap()
            .contains("0 passed, 1 failed, 0 could not be judged")
    );
    let output = fs::read_to_string(&output).unwrap();
    let result = output.strip_prefix("other=1\nresult=").unwrap().trim_end();
    assert!(
        !result.is_empty()
            && result
                .chars()
                .all(|each| each.is_ascii_alphanumeric() || "+/=".contains(each))
    );
}
