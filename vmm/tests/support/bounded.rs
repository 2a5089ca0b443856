//! The command in bounded memory.
//!
//! **Invariant:** it gets memory for its guest and 64 MiB more; where that does not suffice, it dies and has no exit status.

use std::path::Path;
use std::process::Command;

/// Memory of a guest when its scenario says nothing, and what the command may use beside it.
const GUEST_BYTES: u64 = 32 << 20;
const BESIDE_BYTES: u64 = 64 << 20;
/// All that it may use.
pub(crate) const MOST_BYTES: u64 = GUEST_BYTES + BESIDE_BYTES;

/// `vmm` in the workspace, without arguments.
pub(crate) fn command() -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"ulimit -d "$0" && exec "$@""#])
        .arg((MOST_BYTES >> 10).to_string())
        .arg(env!("CARGO_BIN_EXE_vmm"))
        .current_dir(workspace());
    command
}

/// The root of the workspace.
pub(crate) fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}
