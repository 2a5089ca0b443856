//! `vmm grade` as its users meet it: a process with arguments, two streams, an exit status, and the files that it writes.
//!
//! - `input`: what is refused before anything is built
//! - `forms`: what a submission may be
//! - `kernels`: ready kernels, and what is told of them, in one part and in several
//! - `sources`: sources are built, in a sandbox, and only what the rubric takes
//! - `attacks`: submissions that attack who grades them
//! - `course`: the example course

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

mod attacks;
mod course;
mod forms;
mod input;
mod kernels;
mod sources;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The scenario that most rubrics here have.
const ITEM: &str = "[[scenario]]\nfile = \"cow.json\"\npoints = 10\npartial = \"checks\"\n";

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

/// A folder with a rubric, a scenario, and an empty submission.
fn course(rubric: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rubric.toml"), rubric).unwrap();
    fs::copy(root().join("scenarios/cow.json"), dir.path().join("cow.json")).unwrap();
    fs::create_dir(dir.path().join("submission")).unwrap();
    dir
}

/// Grades by the course's rubric, and keeps everything in the folder `out`.
fn grade(course: &TempDir, submissions: &[&str]) -> Run {
    run(command(course)
        .args(["grade", "--rubric", "rubric.toml", "--out", "out"])
        .args(submissions))
}

/// The command, in the folder of the course.
fn command(course: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.current_dir(course.path());
    command
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        status: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The grade of a submission, from the file that the call has kept.
fn kept(course: &TempDir, submission: &str) -> Value {
    let text = fs::read_to_string(course.path().join("out/grades.json")).unwrap();
    let grades: Value = serde_json::from_str(&text).unwrap();
    let mut all = grades["grades"].as_array().unwrap().iter();
    let found = all.find(|grade| grade["submission"] == submission);
    found.unwrap_or_else(|| panic!("{submission} in {text}")).clone()
}

/// Writes a file, with all folders that it is in.
fn write(path: &Path, contents: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
