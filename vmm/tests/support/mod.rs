//! What the tests of guest programs share.

use std::path::PathBuf;

/// Names the directory of the guest's programs.
const PROGRAM_DIR: &str = "RINGSIDE_PROGRAM_DIR";

/// Path of a guest program's ELF file.
pub(crate) fn program(name: &str) -> PathBuf {
    let dir = std::env::var_os(PROGRAM_DIR)
        .unwrap_or_else(|| panic!("set {PROGRAM_DIR} to the directory of the built guest programs"));
    PathBuf::from(dir).join(name)
}
