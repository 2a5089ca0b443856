//! Programs that need no driving.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::console::Console;
use super::error::ReferenceError;
use super::family::Family;
use super::launch;

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramRun {
    /// How it ended, as wait4 tells it.
    pub status: u32,
    /// What it and its descendants wrote to standard output.
    pub stdout: Vec<u8>,
}

/// Runs the program to its end. Its name is the file's, without directory, as in a guest.
pub fn run_program<A: AsRef<OsStr>>(
    elf: &Path,
    arguments: &[A],
    timeout: Duration,
) -> Result<ProgramRun, ReferenceError> {
    let console = Console::new()?;
    let mut command = launch::command(elf, &console)?;
    command.args(arguments);
    let family = Family::spawn(command, elf)?;
    let status = family
        .wait_for_first(timeout)?
        .ok_or_else(|| ReferenceError::ProgramTimedOut {
            path: elf.to_owned(),
            timeout,
        })?;
    Ok(ProgramRun {
        status,
        stdout: console.contents()?,
    })
}
