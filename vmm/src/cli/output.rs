//! What the command prints, and how it tells why something cannot be done.

use std::error::Error;
use std::io::{self, ErrorKind, Write};

use miette::Diagnostic;
use vmm::printable::{self, Printable};

use super::status::{HasStatus, Status};

/// A problem that has been told already, and what the command ends with.
pub(super) struct Shown(pub(super) Status);

/// Tells a problem of the input that has no place in a file.
pub(super) fn show(error: &dyn Error) -> Shown {
    show_as(Status::UnusableInput, error)
}

/// Tells a problem that has an exit status of its own.
pub(super) fn show_failure(error: &impl HasStatus) -> Shown {
    show_as(error.status(), error)
}

pub(super) fn show_as(status: Status, error: &dyn Error) -> Shown {
    show_causes(status, &printable::causes(error))
}

/// Tells a problem, and after it each reason for the one before.
pub(super) fn show_causes(status: Status, causes: &[Printable]) -> Shown {
    for (index, cause) in causes.iter().enumerate() {
        match index {
            0 => eprintln!("error: {}", cause.below("  ")),
            _ => eprintln!("  because: {}", cause.below("  ")),
        }
    }
    Shown(status)
}

/// Tells a problem of the input with its place in a file.
pub(super) fn show_diagnostic(diagnostic: impl Diagnostic + Send + Sync + 'static) -> Shown {
    eprintln!("{:?}", miette::Report::new(diagnostic));
    Shown(Status::UnusableInput)
}

/// Prints to standard output, with one newline at the end.
pub(super) fn print_line(text: &str) -> Result<(), Shown> {
    let printed = writeln!(StandardOutput, "{}", text.trim_end_matches('\n'));
    printed.map_err(|error| show_as(Status::CouldNotTell, &error))
}

/// Standard output, of which a reader that went away, as `head` does, is no problem worth telling.
pub(super) struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match io::stdout().write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            Ok(()) | Err(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match io::stdout().flush() {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
