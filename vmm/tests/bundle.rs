//! `--bundle` and `vmm replay`: a run that does not pass can be made again elsewhere, and what comes of it is compared.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use vmm::image::{self, GuestImage, ImageKind};
use vmm::packed::{self, Packer};

static IMAGE: LazyLock<GuestImage> =
    LazyLock::new(|| image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap());

/// A bundle of a kernel whose fork leaves the parent's pages writable.
static BUNDLE: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("failed.tar.zst");
    let run = vmm()
        .args([
            "run",
            "--option",
            "mutant=fork-keeps-parent-writable",
            "--vary",
            "5",
        ])
        .arg("--image")
        .arg(IMAGE.kernel.parent().unwrap())
        .arg("--bundle")
        .arg(&path)
        .args(["scenarios/cow.json", "scenarios/demand-zero.json"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let told = format!(
        "wrote 1 run to {}; `vmm replay` makes them again\n",
        path.display()
    );
    assert_eq!(text(&run.stderr), told);
    (folder, path)
});

#[test]
fn a_run_that_failed_fails_in_the_same_way_when_it_is_made_again() {
    let replayed = replay(&BUNDLE.1, &[]);
    let told = text(&replayed.stdout);
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{told}{}",
        text(&replayed.stderr)
    );
    assert!(
        told.starts_with("bundled when judging ringside: kernel "),
        "{told}"
    );
    assert!(told.contains("\nFAIL cow: "), "{told}");
    assert!(
        told.ends_with("\n  the same as before: FAIL, and all of the report\n"),
        "{told}"
    );
}

#[test]
fn a_bundle_holds_what_is_needed_and_what_people_read() {
    let folder = unpacked(&BUNDLE.1);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(
        fs::read(folder.path().join("kernel")).unwrap(),
        fs::read(&IMAGE.kernel).unwrap()
    );
    assert_eq!(
        read("runs/0/scenario.json"),
        fs::read_to_string(root().join("scenarios/cow.json")).unwrap()
    );
    assert!(read("runs/0/report.txt").contains("contents and places drawn by --vary 5"));
    assert!(folder.path().join("runs/0/log.txt").is_file());
    let manifest: Value = serde_json::from_str(&read("bundle.json")).unwrap();
    assert_eq!(
        manifest["conditions"]["options"],
        json!(["mutant=fork-keeps-parent-writable"])
    );
    assert_eq!(
        manifest["conditions"]["judged"]["ringside"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn another_verdict_and_every_part_that_differs_is_told() {
    let changed = changed(&BUNDLE.1, |folder| {
        let path = folder.join("runs/0/report.json");
        let mut report: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        report["verdict"] = json!("pass");
        report["lines"][2]["result"] = json!("something else");
        fs::write(path, report.to_string()).unwrap();
    });
    let replayed = replay(&changed.1, &[]);
    let told = text(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(1), "{told}");
    assert!(
        told.contains("\n  ANOTHER VERDICT: it was PASS, and is FAIL:\n"),
        "{told}"
    );
    assert!(
        told.contains("    verdict\n      was  pass\n      is   fail\n"),
        "{told}"
    );
    assert!(
        told.contains("    lines, step 2, result\n      was  something else\n      is   "),
        "{told}"
    );
}

#[test]
fn a_kernel_that_was_mended_has_another_verdict() {
    let mended = changed(&BUNDLE.1, |folder| {
        let path = folder.join("bundle.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["conditions"]["options"] = json!([]);
        fs::write(path, manifest.to_string()).unwrap();
    });
    let replayed = replay(&mended.1, &[]);
    assert_eq!(replayed.status.code(), Some(1), "{}", text(&replayed.stdout));
    assert!(text(&replayed.stdout).contains("ANOTHER VERDICT: it was FAIL, and is PASS:"));
}

#[test]
fn paths_and_servers_that_a_bundle_names_are_not_used() {
    let hostile = changed(&BUNDLE.1, |folder| {
        let path = folder.join("bundle.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["conditions"]["description"]["kernel"] = json!("/etc/passwd");
        manifest["conditions"]["description"]["initrd"] = json!("/etc/passwd");
        fs::write(path, manifest.to_string()).unwrap();
    });
    assert_eq!(
        replay(&hostile.1, &[]).status.code(),
        Some(0),
        "its own files are used"
    );

    let talkative = changed(&BUNDLE.1, |folder| {
        let path = folder.join("runs/0/scenario.json");
        let mut scenario: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        scenario["guest"] = json!({ "vsock": { "9000": { "unix": "/run/secret.sock" } } });
        fs::write(path, scenario.to_string()).unwrap();
    });
    let refused = replay(&talkative.1, &[]);
    assert_eq!(
        (refused.status.code(), text(&refused.stdout).as_str()),
        (Some(2), "")
    );
    insta::assert_snapshot!("a_bundle_that_wants_a_server", text(&refused.stderr));
    assert_ne!(replay(&talkative.1, &["--servers"]).status.code(), Some(2));
}

#[test]
fn what_is_no_bundle_is_refused_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("text"), "no bundle").unwrap();
    let whole = fs::read(&BUNDLE.1).unwrap();
    fs::write(path("cut"), &whole[..whole.len() / 2]).unwrap();
    let mut other = Packer::default();
    other.add("kernel", b"");
    other.write(&path("other")).unwrap();
    let with_manifest = |name: &str, change: fn(&mut Value)| {
        let (_folder, changed) = changed(&BUNDLE.1, |folder| {
            let path = folder.join("bundle.json");
            let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            change(&mut manifest);
            fs::write(path, manifest.to_string()).unwrap();
        });
        fs::copy(changed, path(name)).unwrap();
    };
    with_manifest("later", |manifest| manifest["version"] = json!(2));
    with_manifest("empty", |manifest| manifest["runs"] = json!([]));
    with_manifest("more", |manifest| manifest["runs"] = json!(["a.json", "b.json"]));
    // All of it, since the column counts and paths have another length on each machine.
    with_manifest("strange", |manifest| {
        *manifest = json!({ "version": 1, "conditions": "very" });
    });
    let (_folder, coloured) = changed(&BUNDLE.1, |folder| {
        let path = folder.join("bundle.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["runs"] = json!(["\u{1b}[31mred.json"]);
        fs::write(path, manifest.to_string()).unwrap();
        fs::write(folder.join("runs/0/scenario.json"), "no scenario").unwrap();
    });
    fs::copy(coloured, path("coloured")).unwrap();
    let mut told = String::new();
    for name in [
        "nowhere", "text", "cut", "other", "later", "empty", "more", "strange", "coloured",
    ] {
        let refused = replay(&path(name), &[]);
        assert_eq!(
            (refused.status.code(), text(&refused.stdout).as_str()),
            (Some(2), ""),
            "{name}"
        );
        told += &text(&refused.stderr).replace(&folder.path().display().to_string(), "FOLDER");
    }
    insta::assert_snapshot!("what_is_no_bundle", told);
}

#[test]
fn nothing_is_written_when_everything_passes_or_there_is_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("none.tar.zst");
    let run = |bundle: &Path| {
        let mut command = vmm();
        command
            .args(["run", "--image"])
            .arg(IMAGE.kernel.parent().unwrap());
        command
            .arg("--bundle")
            .arg(bundle)
            .arg("scenarios/cow.json")
            .output()
            .unwrap()
    };
    let passed = run(&bundle);
    let told = format!(
        "no bundle to write to {}: everything that was run has passed\n",
        bundle.display()
    );
    assert_eq!((passed.status.code(), text(&passed.stderr)), (Some(0), told));
    assert!(!bundle.exists());
    let failed = run(Path::new("/nowhere/a.tar.zst"));
    assert_eq!(
        (failed.status.code(), text(&failed.stdout).as_str()),
        (Some(2), ""),
        "nothing is run"
    );
    insta::assert_snapshot!("a_bundle_without_a_place", text(&failed.stderr));
}

fn vmm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.current_dir(root());
    command
}

fn replay(bundle: &Path, options: &[&str]) -> Output {
    // Elsewhere, where no file of the workspace is.
    let mut command = vmm();
    command
        .current_dir("/")
        .arg("replay")
        .args(options)
        .arg(bundle)
        .output()
        .unwrap()
}

fn unpacked(bundle: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    packed::unpack(bundle, folder.path()).unwrap();
    folder
}

/// The same bundle with something in it changed.
fn changed(bundle: &Path, change: impl FnOnce(&Path)) -> (TempDir, PathBuf) {
    let folder = unpacked(bundle);
    change(folder.path());
    let mut packer = Packer::default();
    for name in ["bundle.json", "kernel", "initrd"] {
        packer.add_file(name, &folder.path().join(name)).unwrap();
    }
    for name in ["scenario.json", "report.json"] {
        let name = format!("runs/0/{name}");
        packer.add_file(&name, &folder.path().join(&name)).unwrap();
    }
    let path = folder.path().join("changed.tar.zst");
    packer.write(&path).unwrap();
    (folder, path)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
