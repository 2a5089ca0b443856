//! Runs programs of the system.

use std::process::{Command, Stdio};

use crate::image::Obstacle;

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
