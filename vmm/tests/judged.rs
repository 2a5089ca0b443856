//! Every report says what was judged, and whoever may be mistaken about it is told.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use vmm::image::{self, GuestImage, ImageKind};

static IMAGE: LazyLock<GuestImage> =
    LazyLock::new(|| image::ensure(ImageKind::Mutants, &*image::to_stderr()).unwrap());

#[test]
fn every_format_names_the_kernel_and_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut command = vmm();
    command.args(["run", "--option", "mutant=fork-keeps-parent-writable"]);
    command.arg("--image").arg(IMAGE.kernel.parent().unwrap());
    let formats = ["json", "jsonl", "ktap", "junit", "gradescope", "markdown", "html"];
    for format in formats {
        command
            .arg("--report")
            .arg(format!("{format}={}", path(format).display()));
    }
    let run = command.arg("scenarios/cow.json").output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let hash = sha256(&IMAGE.kernel);
    let judged = text(&run.stdout).lines().next().unwrap().to_owned();
    let start = format!(
        "judging ringside: kernel {} (sha256 {}), programs ",
        IMAGE.kernel.display(),
        &hash[..16]
    );
    assert!(judged.starts_with(&start), "{judged}");
    let end = format!("by Ringside {} on KVM", env!("CARGO_PKG_VERSION"));
    assert!(judged.contains(&end), "{judged}");
    for format in formats {
        let report = fs::read_to_string(path(format)).unwrap();
        assert!(report.contains(&hash[..16]), "{format}: {report}");
    }
    let document: Value = serde_json::from_str(&fs::read_to_string(path("json")).unwrap()).unwrap();
    let judged = &document["reports"][0]["judged"];
    assert_eq!(judged["kernel"]["sha256"], hash);
    assert_eq!(judged["programs"]["sha256"], sha256(&IMAGE.initrd));
    assert_eq!(judged["options"][0], "mutant=fork-keeps-parent-writable");
    assert_eq!(judged["ringside"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn another_kernel_beside_an_image_is_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let kernel = folder.path().join("mine");
    fs::copy(&IMAGE.kernel, &kernel).unwrap();
    let mut command = vmm();
    command.args(["run", "--format", "json", "scenarios/cow.json"]);
    command.arg("--image").arg(IMAGE.kernel.parent().unwrap());
    let run = command.arg("--kernel").arg(&kernel).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    let document: Value = serde_json::from_slice(&run.stdout).unwrap();
    let judged = &document["reports"][0]["judged"];
    assert_eq!(judged["kernel"]["file"], kernel.display().to_string());
    assert_eq!(judged["programs"]["file"], IMAGE.initrd.display().to_string());
}

#[test]
fn whoever_stands_in_a_folder_with_another_guest_is_told_so_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("guest-kernel/src");
    fs::create_dir_all(&below).unwrap();
    let scenario = root().join("scenarios/cow.json");
    let arguments: [&[&str]; 2] = [&["run"], &["run", "--kernel"]];
    let told = arguments.map(|arguments| {
        let mut command = vmm();
        command.current_dir(&below).args(arguments);
        if arguments.len() > 1 {
            command.arg(&IMAGE.kernel);
        }
        let run = command.arg(&scenario).output().unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        text(&run.stderr)
    });
    let stood_in = folder.path().canonicalize().unwrap().display().to_string();
    assert!(
        told[0].starts_with("WARNING: what is judged is NOT the guest of this folder."),
        "{}",
        told[0]
    );
    assert!(
        told[0].contains(&format!("set RINGSIDE_WORKSPACE={stood_in},")),
        "{}",
        told[0]
    );
    assert_eq!(told[1], "", "a kernel that is named is no mistake");
}

fn vmm() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.current_dir(root());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

fn sha256(path: &Path) -> String {
    let hash = Sha256::digest(fs::read(path).unwrap());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
