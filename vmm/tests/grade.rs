//! `vmm grade`: what is refused before anything is built, and ready kernels.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use vmm::image::{self, ImageKind};

const ITEM: &str = "[[scenario]]\nfile = \"cow.json\"\npoints = 10\npartial = \"checks\"\n";

#[test]
fn what_is_wrong_with_a_rubric_is_told_with_its_place_before_anything_is_built() {
    let sources = "title = \"T\"\nkind = \"sources\"\ntotal = 10\n";
    for (rubric, told) in [
        (
            format!(
                "{sources}take = [\"guest-kernel/src/\"]\n{}",
                ITEM.replace("10", "9")
            ),
            "add up to 9",
        ),
        (
            format!(
                "{sources}take = [\"guest-kernel/src/\"]\n{}",
                ITEM.replace("cow", "nowhere")
            ),
            "cannot read",
        ),
        (
            format!("{sources}take = [\"guest-kernel/../vmm/\"]\n{ITEM}"),
            "without `..`",
        ),
        (format!("{sources}take = [\"vmm/src/\"]\n{ITEM}"), "guest-modules"),
        (format!("{sources}{ITEM}"), "nothing is taken"),
        (
            format!("{sources}take = [\"guest-kernel/src/\"]\n"),
            "no scenario",
        ),
        (
            format!("{sources}take = [\"guest-kernel/src/\"]\n{ITEM}clauses = [\"NO-1\"]\n"),
            "no step of",
        ),
        (
            format!(
                "{sources}take = [\"guest-kernel/src/\"]\n{}",
                ITEM.replace("checks", "clauses")
            ),
            "shows a clause",
        ),
        (format!("{sources}wrong = 1\n{ITEM}"), "unknown field"),
        ("title = ".to_owned(), "rubric.toml:1"),
    ] {
        let course = course(&rubric);
        let run = grade(&course, &["submission"]);
        assert_eq!(
            (run.status, run.stdout.as_str()),
            (2, ""),
            "{rubric}\n{}",
            run.stderr
        );
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
}

#[test]
fn submissions_that_are_not_there_or_have_one_name_are_refused() {
    let course = course(&format!("title = \"T\"\nkind = \"image\"\ntotal = 10\n{ITEM}"));
    let run = grade(&course, &["nowhere"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("no such file"), "{}", run.stderr);
    let run = grade(&course, &["submission", "./submission/"]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("same name"), "{}", run.stderr);
}

#[test]
fn without_a_sandbox_nothing_is_built() {
    let course = course(&format!(
        "title = \"T\"\nkind = \"sources\"\ntotal = 10\ntake = [\"guest-kernel/src/\"]\n{ITEM}"
    ));
    // The toolchain is in sight, and neither bubblewrap nor what could fetch it is.
    let tools = tempfile::tempdir().unwrap();
    for tool in ["rustc", "cargo", "cc"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {tool}")])
            .output()
            .unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        symlink(found.trim(), tools.path().join(tool)).unwrap();
    }
    let cache = tempfile::tempdir().unwrap();
    let mut command = command(&course, &["submission"]);
    command
        .env("PATH", tools.path())
        .env("RINGSIDE_CACHE", cache.path());
    let run = run(&mut command);
    assert_eq!((run.status, run.stdout.as_str()), (4, ""), "{}", run.stderr);
    for told in ["apt install bubblewrap", "cannot run apt-get"] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
}

/// A kernel with a deliberate fault, a right one, a file that is no kernel, and a link that leads to the right one.
#[test]
fn ready_kernels_are_graded_each_by_what_it_does() {
    let mutants = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    let rubric = format!("title = \"T\"\nkind = \"kernel-file\"\ntotal = 10\n{ITEM}");
    let good = course(&rubric);
    let into = |course: &TempDir| {
        fs::copy(&mutants.kernel, course.path().join("kernel")).unwrap();
        fs::write(
            course.path().join("text"),
            "PASS cow: 22 steps, 55 expectations, 0 findings\n",
        )
        .unwrap();
        symlink(&mutants.kernel, course.path().join("link")).unwrap();
    };
    into(&good);
    let run = grade(&good, &["kernel", "text", "link"]);
    assert_eq!(run.status, 1, "{}{}", run.stdout, run.stderr);
    let grades: Value =
        serde_json::from_str(&fs::read_to_string(good.path().join("out/grades.json")).unwrap()).unwrap();
    let outcome = |index: usize| {
        (
            &grades[index]["scenarios"][0]["outcome"],
            &grades[index]["points"],
        )
    };
    assert_eq!(outcome(0), (&"passed".into(), &10.into()), "{}", run.stdout);
    assert_eq!(
        outcome(1),
        (&"refuses-to-boot".into(), &0.into()),
        "{}",
        run.stdout
    );
    assert_eq!(
        outcome(2),
        (&"does-not-build".into(), &0.into()),
        "{}",
        run.stdout
    );

    let bad = course(&rubric.replace("total", "options = [\"mutant=cow-copies-wrong-frame\"]\ntotal"));
    into(&bad);
    let run = grade(&bad, &["kernel"]);
    assert_eq!(run.status, 1);
    let grades: Value =
        serde_json::from_str(&fs::read_to_string(bad.path().join("out/grades.json")).unwrap()).unwrap();
    let points = grades[0]["points"].as_f64().unwrap();
    assert_eq!(grades[0]["scenarios"][0]["outcome"], "failed-checks");
    assert!(
        points > 0.0 && points < 10.0,
        "a share for the checks that passed: {points}"
    );
}

/// A folder with a rubric, a scenario, and an empty submission.
fn course(rubric: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rubric.toml"), rubric).unwrap();
    fs::copy(root().join("scenarios/cow.json"), dir.path().join("cow.json")).unwrap();
    fs::create_dir(dir.path().join("submission")).unwrap();
    dir
}

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

fn grade(course: &TempDir, submissions: &[&str]) -> Run {
    run(&mut command(course, submissions))
}

fn command(course: &TempDir, submissions: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.current_dir(course.path());
    command
        .args(["grade", "--rubric", "rubric.toml", "--out", "out"])
        .args(submissions);
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
