//! Scenario files on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use miette::Diagnostic;

/// Name of the file beside the scenarios that describes their language: no scenario.
pub const SCHEMA_FILE: &str = "schema.json";

/// Why there are no scenario files.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub enum CollectError {
    /// Nothing of this name.
    #[error("no file or folder `{}`", .path.display())]
    #[diagnostic(help("name a scenario file, or a folder that holds some"))]
    Missing {
        /// What was asked for.
        path: PathBuf,
    },
    /// A folder without scenarios.
    #[error("the folder `{}` holds no scenario: expected files that end in `.json`", .path.display())]
    Empty {
        /// What was asked for.
        path: PathBuf,
    },
    /// A link in a folder. Who named the folder may not know where it leads.
    #[error("`{}` is a symbolic link in a folder: expected the scenario itself", .path.display())]
    #[diagnostic(help("a link that is named itself is followed"))]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// The system does not let us look.
    #[error("cannot look into `{}`", .path.display())]
    Unreadable {
        /// What was looked into.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The scenario files that `paths` name: files as they are, folders with every `.json` file in and below them, sorted. A
/// file that is named twice comes once. A path of the caller's may be a link; a file that is found in a folder may not.
///
/// # Errors
///
/// A path that is not there, cannot be read, or is a folder without scenarios, or with a link in the place of one.
pub fn collect(paths: &[PathBuf]) -> Result<Vec<PathBuf>, CollectError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = Vec::new();
            collect_below(path, &mut below)?;
            if below.is_empty() {
                return Err(CollectError::Empty { path: path.clone() });
            }
            below.sort();
            files.extend(below);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(CollectError::Missing { path: path.clone() });
        }
    }
    let mut seen = std::collections::HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok(files)
}

fn collect_below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), CollectError> {
    let unreadable = |source| CollectError::Unreadable {
        path: folder.to_owned(),
        source,
    };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        // The entry's own type: a link to a folder above would never end.
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            collect_below(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json")
            && entry.file_name() != SCHEMA_FILE
        {
            if kind.is_symlink() {
                return Err(CollectError::Link { path });
            }
            files.push(path);
        }
    }
    Ok(())
}
