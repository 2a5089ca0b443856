//! What `ci/engines` has for engines that run parts of the work: run as the engine would, and told as one call.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;
use vmm::image::{self, ImageKind};

const SCENARIOS: [&str; 5] = [
    "cow",
    "demand-zero",
    "madvise-dontneed",
    "munmap-then-fault",
    "exec",
];

static IMAGE: LazyLock<PathBuf> = LazyLock::new(|| {
    let image = image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap();
    image.kernel.parent().unwrap().to_owned()
});

/// A kernel that fails some of the scenarios.
const MUTANT: &str = "mutant=fork-keeps-parent-writable";

#[test]
fn parts_on_one_machine_are_told_as_one_call() {
    let work = work();
    let whole = whole(&work);
    // GNU parallel where it is installed, and in any case what is used where it is not.
    let mut tools = vec!["xargs"];
    let installed = Command::new("parallel").arg("--version").output();
    if installed.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("GNU")) {
        tools.push("parallel");
    } else {
        eprintln!(
            "not run with GNU parallel, which is not installed here (Debian: parallel); run with xargs"
        );
    }
    for tool in tools {
        let out = work.path().join(tool);
        let mut command = script("parallel", &work);
        if tool == "xargs" {
            command.env("PATH", without_parallel(&work));
        }
        command.args([
            "3",
            out.to_str().unwrap(),
            "scenarios",
            "--",
            "--option",
            MUTANT,
            "--image",
        ]);
        let parts = command.arg(&*IMAGE).output().unwrap();
        assert_eq!(text(&parts.stdout), whole, "{tool}: {}", text(&parts.stderr));
        assert_eq!(parts.status.code(), Some(1), "{tool}");
    }
}

#[test]
fn a_part_that_cannot_be_run_is_told() {
    let work = work();
    let out = work.path().join("out");
    let mut command = script("parallel", &work);
    let parts = command
        .args(["2", out.to_str().unwrap(), "nowhere"])
        .output()
        .unwrap();
    assert_eq!((parts.status.code(), text(&parts.stdout).as_str()), (Some(2), ""));
    let told = text(&parts.stderr);
    assert!(
        told.starts_with("part 1 of 2 could not be run (status 2):\n"),
        "{told}"
    );
    assert!(told.contains("no file or folder `nowhere`"), "{told}");
    let usage = script("parallel", &work).arg("0").output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
    assert!(text(&usage.stderr).starts_with("usage: ci/engines/parallel PARTS OUT FILE..."));
}

#[test]
fn tasks_of_an_array_job_are_told_as_one_call() {
    let work = work();
    let whole = whole(&work);
    for task in 1..=3 {
        let mut command = script("slurm-array", &work);
        command
            .env("SLURM_ARRAY_TASK_ID", task.to_string())
            .env("SLURM_ARRAY_TASK_COUNT", "3")
            .env("SLURM_CPUS_PER_TASK", "1")
            .env(
                "OPTIONS",
                format!("--option {MUTANT} --image {}", IMAGE.display()),
            );
        let task = command.arg("scenarios").output().unwrap();
        assert_eq!(task.status.code(), Some(0), "{}", text(&task.stderr));
    }
    assert_eq!(text(&merged(&work).stdout), whole);
}

#[test]
fn pods_of_an_indexed_job_are_told_as_one_call() {
    let work = work();
    let job = fs::read_to_string(root().join("ci/engines/kubernetes-job.yaml")).unwrap();
    let block = job.split("            - |\n").nth(1).unwrap();
    let lines = block
        .lines()
        .take_while(|line| line.starts_with("              "));
    let script: Vec<&str> = lines.map(str::trim_start).collect();
    assert_eq!(script.len(), 3, "what a pod runs: {script:?}");
    let image = image::ensure(ImageKind::Shipped, &*image::to_stderr()).unwrap();
    image.pack(&work.path().join("guest.tar.zst")).unwrap();
    let bin = work.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_vmm"), bin.join("vmm")).unwrap();
    for index in 0..8 {
        let mut pod = Command::new("sh");
        pod.arg("-c").arg(script.join("\n")).current_dir(work.path());
        pod.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        pod.env("JOB_COMPLETION_INDEX", index.to_string())
            .env("PARTS", "8");
        pod.env("RINGSIDE_CACHE", work.path().join("cache"));
        let pod = pod.output().unwrap();
        assert_eq!(pod.status.code(), Some(0), "{}", text(&pod.stderr));
    }
    let told = merged(&work);
    assert_eq!(told.status.code(), Some(0), "{}", text(&told.stdout));
    assert!(text(&told.stdout).ends_with("\n5 scenarios: 5 passed, 0 failed, 0 broken\n"));
}

/// A folder with scenarios, in which an engine works.
fn work() -> TempDir {
    let work = tempfile::tempdir().unwrap();
    fs::create_dir(work.path().join("scenarios")).unwrap();
    for name in SCENARIOS {
        let file = format!("scenarios/{name}.json");
        fs::copy(root().join(&file), work.path().join(&file)).unwrap();
    }
    work
}

/// What one call tells.
fn whole(work: &TempDir) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command
        .current_dir(work.path())
        .args(["run", "--option", MUTANT, "--image"]);
    let run = command.arg(&*IMAGE).arg("scenarios").output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    text(&run.stdout)
}

fn merged(work: &TempDir) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command
        .current_dir(work.path())
        .args(["merge", "results"])
        .output()
        .unwrap()
}

fn script(name: &str, work: &TempDir) -> Command {
    let mut command = Command::new(root().join("ci/engines").join(name));
    command
        .current_dir(work.path())
        .env("VMM", env!("CARGO_BIN_EXE_vmm"));
    command
}

/// A PATH with the programs of the system but GNU parallel.
fn without_parallel(work: &TempDir) -> String {
    let bin = work.path().join("programs");
    fs::create_dir(&bin).unwrap();
    for program in ["bash", "cat", "mkdir", "rm", "seq", "xargs", "grep", "env"] {
        let found = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
        let found = found.iter().find(|path| path.exists()).unwrap();
        symlink(found, bin.join(program)).unwrap();
    }
    bin.display().to_string()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .canonicalize()
        .unwrap()
        .parent()
        .unwrap()
        .to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
