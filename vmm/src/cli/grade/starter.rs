//! `vmm grade --starter`: what students begin with.

use std::path::Path;

use vmm::grade::{self, Rubric, StarterError};
use vmm::report::text::count;

use super::super::{Shown, Status, print_line, show_as};

/// Writes the starter into a new folder.
pub(super) fn write(to: &Path, rubric_file: &Path, rubric: &Rubric) -> Result<Status, Shown> {
    let files = grade::write_starter(to, rubric_file, rubric).map_err(|error| {
        let status = match &error {
            StarterError::Write { .. } => Status::CouldNotTell,
            // There may be further reasons.
            _ => Status::UnusableInput,
        };
        show_as(status, &error)
    })?;
    print_line(&format!("{}: {}", to.display(), count(files, "file")))?;
    Ok(Status::Passed)
}
