//! `vmm list`: what scenarios there are.

use std::path::PathBuf;

use vmm::printable::Printable;
use vmm::scenario;

use super::{Shown, Status, print_line, show_diagnostic};

/// Lists scenarios with their descriptions. Files that are no scenarios are named as such.
pub(super) fn list(paths: &[PathBuf]) -> Result<Status, Shown> {
    let files = scenario::collect(paths).map_err(show_diagnostic)?;
    let mut status = Status::Passed;
    for file in files {
        let summary = std::fs::read_to_string(&file)
            .map_err(|error| error.to_string())
            .and_then(|text| {
                let value: serde_json::Value =
                    serde_json::from_str(&text).map_err(|error| error.to_string())?;
                let description = value.get("description").and_then(serde_json::Value::as_str);
                description
                    .map(str::to_owned)
                    .ok_or_else(|| "no description".to_owned())
            });
        let file = Printable::from(file.display().to_string());
        match summary.map(Printable::from) {
            Ok(description) => print_line(&format!("{file}\n    {}", description.below("    ")))?,
            Err(problem) => {
                eprintln!("error: {file}: {}", Printable::from(problem));
                status = Status::UnusableInput;
            }
        }
    }
    Ok(status)
}
