//! Finds and runs programs of the system.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::image::Obstacle;

/// Where a program is that can be called by its name; None when there is none.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|program| program.is_file())
}

/// Runs a program to its end and returns what it wrote to standard output.
pub(crate) fn run(command: &mut Command) -> Result<String, Obstacle> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(source) => return Err(Obstacle::Start { program, source }),
    };
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Obstacle::Failed {
            program,
            status: output.status,
            output: said,
        })
    }
}
