//! The command as its users meet it: a process with arguments, two streams and an exit status.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

mod diff;
mod json;
mod linux;
mod look;
mod others;
mod replay;
mod run;
mod shown;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use nix::pty::openpty;
use vmm::image::{self, ImageKind};

const PASS: i32 = 0;
const FAIL: i32 = 1;
const UNUSABLE: i32 = 2;

static SHIPPED: LazyLock<String> = LazyLock::new(|| image_dir(ImageKind::Shipped));
static MUTANTS: LazyLock<String> = LazyLock::new(|| image_dir(ImageKind::Mutants));

const MUTANT: &str = "mutant=fork-keeps-parent-writable";
static COW: LazyLock<String> = LazyLock::new(|| scenario("cow"));
static DEMAND_ZERO: LazyLock<String> = LazyLock::new(|| scenario("demand-zero"));

struct Run {
    status: i32,
    stdout: String,
    stderr: String,
}

fn vmm(arguments: &[&str]) -> Run {
    let output = command(arguments).output().unwrap();
    Run {
        status: output.status.code().expect("no signal ends it"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.args(arguments).current_dir(root()).stdin(Stdio::null());
    command
}

/// What a run of cow.json prints on a terminal.
fn on_terminal(adapt: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut command = command(&["--image", &SHIPPED, "--quiet", "scenarios/cow.json"]);
    let mut child = adapt(&mut command).stdout(terminal.slave).spawn().unwrap();
    // The terminal ends when its last writer is gone, and the command holds one.
    drop(command);
    let mut printed = Vec::new();
    // A terminal without writers reads as an error, not as an end.
    let _ = File::from(terminal.master).read_to_end(&mut printed);
    assert!(child.wait().unwrap().success());
    String::from_utf8(printed).unwrap()
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn scenario(name: &str) -> String {
    fs::read_to_string(root().join("scenarios").join(name).with_extension("json")).unwrap()
}

fn image_dir(kind: ImageKind) -> String {
    let image = image::ensure(kind, &*image::to_stderr()).unwrap();
    image.kernel.parent().unwrap().to_str().unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
