//! Runs the command on an image that a test makes.
//!
//! **Invariant:** it gets memory for its guest and 64 MiB more; where that does not suffice, it dies and has no exit status.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};
use tempfile::TempDir;

/// Memory of a guest when its scenario says nothing, and what the command may use beside it.
const GUEST_BYTES: u64 = 32 << 20;
const BESIDE_BYTES: u64 = 64 << 20;

/// What came of a run of the command.
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An image with this kernel, and with programs of every name that scenarios use: no test of ours gets so far that one runs.
pub(crate) fn image(kernel: &[u8]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("kernel"), kernel).unwrap();
    fs::write(dir.path().join("initrd"), b"").unwrap();
    fs::create_dir(dir.path().join("programs")).unwrap();
    dir
}

/// `vmm` with these arguments, in the workspace.
pub(crate) fn vmm<A: AsRef<OsStr>>(arguments: &[A]) -> Run {
    // For this process, too, and so for those that it starts.
    let limit = Some(GUEST_BYTES + BESIDE_BYTES);
    let limits = Rlimit {
        current: limit,
        maximum: limit,
    };
    setrlimit(Resource::Data, limits).unwrap();
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_vmm"))
        .args(arguments)
        .current_dir(workspace)
        .output()
        .unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
