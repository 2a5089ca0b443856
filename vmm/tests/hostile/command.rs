//! Runs the command, in bounded memory, on an image that a test makes.

use std::ffi::OsStr;
use std::fs;

use tempfile::TempDir;

use crate::bounded::command;

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
    let output = command().args(arguments).output().unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
