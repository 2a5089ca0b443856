//! Patches to the course's own sources, as `diff -u` and `git diff` write them.

use std::fs;
use std::path::{Path, PathBuf};

use diffy::patch_set::{FileOperation, ParseOptions, PatchSet};

use super::{Collector, SubmissionError};
use crate::regular_file::{self, Links};

/// Longest patch, in bytes.
const MAX_PATCH_BYTES: u64 = 16 << 20;
/// What the names of patches end with.
const ENDINGS: [&str; 2] = [".patch", ".diff"];
/// What git begins each file's part with.
const OF_GIT: &str = "diff --git ";

/// Whether a file of this name is a patch.
pub(super) fn is_patch(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// A name without the ending of a patch's.
pub(super) fn bare_name(name: &str) -> &str {
    let bare = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending));
    bare.unwrap_or(name)
}

/// Offers each file that a patch changes, as it is then, to the collector.
pub(super) fn read(
    patch: &Path,
    workspace: &Path,
    collector: &mut Collector<'_>,
) -> Result<(), SubmissionError> {
    let text = regular_file::read_text(patch, Links::Refused, MAX_PATCH_BYTES).map_err(|source| {
        SubmissionError::File {
            path: patch.to_owned(),
            source,
        }
    })?;
    let is_of_git = text.lines().any(|line| line.starts_with(OF_GIT));
    let options = if is_of_git {
        ParseOptions::gitdiff()
    } else {
        ParseOptions::unidiff()
    };
    for part in PatchSet::parse(&text, options) {
        let part = part.map_err(|error| SubmissionError::Patch {
            problem: error.to_string(),
        })?;
        let (from, to) = match part.operation() {
            FileOperation::Create(path) => (None, bare(path)),
            FileOperation::Modify { original, modified } => (Some(bare(original)), bare(modified)),
            FileOperation::Delete(path) | FileOperation::Rename { from: path, .. } => {
                let path = bare(path).display().to_string();
                return Err(SubmissionError::Patch {
                    problem: format!("it removes {path}: expected it to change and to add files only"),
                });
            }
            FileOperation::Copy { from, to } => (Some(bare(from)), bare(to)),
        };
        collector.offer(&to, || {
            let own = match &from {
                Some(path) => {
                    fs::read_to_string(workspace.join(path)).map_err(|source| SubmissionError::File {
                        path: path.clone(),
                        source: source.into(),
                    })?
                }
                None => String::new(),
            };
            let Some(change) = part.patch().as_text() else {
                return Err(SubmissionError::Patch {
                    problem: format!("it changes {} as bytes: expected text", to.display()),
                });
            };
            let changed = diffy::apply(&own, change).map_err(|error| SubmissionError::Patch {
                problem: format!("it does not fit the course's {}: {error}", to.display()),
            })?;
            Ok(changed.into_bytes())
        })?;
    }
    Ok(())
}

/// The path without the `a/` or `b/` that git puts before it.
fn bare(path: &str) -> PathBuf {
    let path = path
        .strip_prefix("a/")
        .or(path.strip_prefix("b/"))
        .unwrap_or(path);
    PathBuf::from(path)
}
