//! Many scenarios at once, in parts, and again: the same report as one after the other.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vmm::image::{self, ImageKind};

static IMAGE: LazyLock<String> = LazyLock::new(|| {
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    image.kernel.parent().unwrap().display().to_string()
});

const SCENARIOS: [&str; 4] = ["cow", "demand-zero", "madvise-dontneed", "munmap-then-fault"];

#[test]
fn reports_come_in_the_order_of_the_call_however_many_run_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let one = vmm(&scenarios(&dir), &["--jobs", "1"]);
    assert_eq!(one.status.code(), Some(0));
    for jobs in ["2", "7"] {
        assert_eq!(vmm(&scenarios(&dir), &["--jobs", jobs]).stdout, one.stdout);
    }
}

/// Of each kind of machine that runs fork from some, and some from which none does. The first comes a second time, by when its worker has served
/// others.
const FORKED: [&str; 16] = [
    "cow",
    "exec",
    "execve",
    "pagemap",
    "kill",
    "net/vsock-errors",
    "sleep",
    "spinning",
    "stack-growth",
    "swap-read-error",
    "ucore/hello",
    "uffd/copy",
    "modules/kmmap",
    "shadowpt/areas",
    "shadowpt/base-number",
    "cow",
];

#[test]
fn runs_that_fork_from_a_booted_guest_are_told_as_those_that_boot_their_own() {
    let file = |name: &&str| {
        root()
            .join(format!("scenarios/{name}.json"))
            .display()
            .to_string()
    };
    let files: Vec<String> = FORKED.iter().map(file).collect();
    let told = |files: &[String], more: &[&str]| {
        let output = vmm(files, &[&["--verbose", "--log", "--jobs", "1"], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
        text(&output.stdout).to_owned()
    };
    assert_eq!(told(&files, &[]), told(&files, &["--fresh"]));
    let varied = &files[..2];
    assert_eq!(
        told(varied, &["--vary", "11"]),
        told(varied, &["--vary", "11", "--fresh"])
    );
}

#[test]
fn a_forked_run_that_is_killed_costs_its_own_verdict() {
    let mut running = command()
        .args(["run", "--image", &IMAGE, "--jobs", "1"])
        .args(["scenarios/swap-four-times.json", "scenarios/cow.json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let command = Pid::from_child(&running).as_raw_nonzero().get();
    let forked = loop {
        assert!(running.try_wait().unwrap().is_none(), "it has ended before");
        let found = child_of(command).and_then(child_of);
        match found.and_then(Pid::from_raw) {
            Some(forked) => break forked,
            None => thread::yield_now(),
        }
    };
    // As the filter of system calls would.
    kill_process(forked, Signal::SYS).unwrap();
    let ended = running.wait_with_output().unwrap();
    let told = text(&ended.stdout);
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("it was killed by SIGSYS"), "{told}");
    assert!(told.contains("\nPASS cow: "), "{told}");
}

/// A process that this one has started.
fn child_of(pid: i32) -> Option<i32> {
    let stats = procfs::process::all_processes().unwrap();
    // Some end while one looks.
    let mut stats = stats.filter_map(|process| process.ok()?.stat().ok());
    stats.find(|stat| stat.ppid == pid).map(|stat| stat.pid)
}

#[test]
fn parts_that_are_run_apart_are_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let whole = vmm(&scenarios(&dir), &[]);
    let folders = ["1/3", "2/3", "3/3"].map(|part| {
        let folder = dir.path().join(part.replace('/', "-of-")).display().to_string();
        assert_eq!(
            vmm(&scenarios(&dir), &["--shard", part, "--out", &folder])
                .status
                .code(),
            Some(0)
        );
        folder
    });
    let merged = command().arg("merge").args(folders).output().unwrap();
    assert_eq!(text(&merged.stdout), text(&whole.stdout));
    assert_eq!(merged.status.code(), Some(0));
}

#[test]
fn what_is_interrupted_ends_at_once_tells_what_is_finished_and_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let mut files: Vec<String> = scenarios(&dir).into_iter().take(2).collect();
    files.push(endless(&dir));

    let mut running = command()
        .args(["run", "--image", &IMAGE, "--jobs", "1", "--out", &out])
        .args(&files)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines();
    for start in ["judging ", "", "PASS cow", "PASS demand-zero"] {
        assert!(lines.next().unwrap().unwrap().starts_with(start));
    }
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let status = running.wait().unwrap();
    let mut complaints = String::new();
    running
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaints)
        .unwrap();
    assert_eq!(
        (status.code(), complaints.as_str()),
        (Some(4), "interrupted: 2 of 3 scenarios finished\n")
    );

    // The kept results are told; they would be told otherwise had they been run again.
    let kept = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let kept = kept.filter(|path| path.to_string_lossy().contains("/cow-"));
    for path in kept {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(
            &path,
            text.replace("\"scenario\":\"cow\"", "\"scenario\":\"cow, as it was kept\""),
        )
        .unwrap();
    }
    let resumed = vmm(&files[..2], &["--out", &out, "--resume"]);
    assert!(
        text(&resumed.stdout).contains("\n\nPASS cow, as it was kept: "),
        "{}",
        text(&resumed.stdout)
    );
}

#[test]
fn a_run_that_does_not_end_is_given_up_and_nobodys_fault() {
    let dir = tempfile::tempdir().unwrap();
    let given_up = vmm(&[endless(&dir)], &["--give-up-after", "1"]);
    let told = text(&given_up.stdout);
    assert_eq!(given_up.status.code(), Some(4), "{told}");
    assert!(
        told.contains("it gave no answer within 1 s of real time"),
        "{told}"
    );
    assert!(told.contains("BROKEN endless"), "{told}");
}

/// A scenario that sleeps for longer than anybody waits, on a clock that is real.
fn endless(dir: &TempDir) -> String {
    let text = r#"{ "name": "endless", "description": "It sleeps.", "guest": { "clock": "real" }, "budget": { "seconds": 600 },
        "steps": [ { "in": "parent", "do": "sleep", "ms": 60000 } ] }"#;
    let file = dir.path().join("endless.json");
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

#[test]
fn parts_and_results_that_are_none_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().display().to_string();
    for arguments in [
        &["run", "--shard", "4/3", "--out", "x", "scenarios/cow.json"][..],
        &["run", "--shard", "1/3", "scenarios/cow.json"],
        &["run", "--resume", "scenarios/cow.json"],
        &["run", "--jobs", "0", "scenarios/cow.json"],
        &["merge"],
        &["merge", &empty],
        &["merge", "nowhere"],
    ] {
        let run = command().args(arguments).output().unwrap();
        let expected = if arguments.contains(&"nowhere") { 4 } else { 2 };
        assert_eq!(
            run.status.code(),
            Some(expected),
            "{arguments:?}: {}",
            text(&run.stderr)
        );
        assert!(text(&run.stderr).starts_with("error: "), "{}", text(&run.stderr));
    }
}

/// Copies of scenarios, in the order of their names.
fn scenarios(dir: &TempDir) -> Vec<String> {
    let copy = |name: &&str| {
        let path = dir.path().join(format!("{name}.json"));
        fs::copy(root().join(format!("scenarios/{name}.json")), &path).unwrap();
        path.display().to_string()
    };
    SCENARIOS.iter().map(copy).collect()
}

fn vmm(files: &[String], arguments: &[&str]) -> Output {
    let mut command = command();
    command
        .args(["run", "--image", &IMAGE])
        .args(arguments)
        .args(files);
    command.output().unwrap()
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.current_dir(root());
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}
