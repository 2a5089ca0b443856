//! A call of the command, from the root of the repository.

use std::path::Path;
use std::process::{Command, Output};

/// Calls it, and waits for its end.
pub(crate) fn vmm(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmm"));
    command.args(arguments).current_dir(root()).output().unwrap()
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// What it has printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
