//! What is taken of a submission, and what is left.
//!
//! **Invariant:** nothing is read through a symbolic link, and nothing is taken that the rubric does not name.

use std::fs;
use std::path::{Path, PathBuf};

use super::rubric::{Kind, Rubric};
use crate::image::SubmittedFile;
use crate::printable::Printable;
use crate::regular_file::{self, Links};

/// Longest source file, in bytes; most files that are looked at; most bytes of all that are taken.
const MAX_SOURCE_BYTES: u64 = 4 << 20;
const MAX_FILES: usize = 10_000;
const MAX_TAKEN_BYTES: usize = 64 << 20;

/// What there is of a submission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Files that are taken.
    pub files: Vec<SubmittedFile>,
    /// Files that are there and are not taken, in the order of their names.
    pub left: Vec<PathBuf>,
}

/// A submission that cannot be what the rubric asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// It has another form.
    #[error("{} is no {expected}", path.display())]
    Form {
        /// What was submitted.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// A file in it is none to take.
    #[error("{} cannot be taken: {source}", path.display())]
    File {
        /// The file, as a path in the submission.
        path: PathBuf,
        /// Why not.
        source: regular_file::RegularFileError,
    },
    /// It has too many files, or too long ones.
    #[error("the submission is too large: expected at most {MAX_FILES} files and {MAX_TAKEN_BYTES} bytes")]
    TooLarge,
    /// It holds nothing that the rubric asks for.
    #[error("nothing of it is what the rubric takes: expected {}", expected.join(", "))]
    Nothing {
        /// What the rubric takes.
        expected: Vec<String>,
    },
}

/// The name of a submission: that of its folder or file.
#[must_use]
pub fn name_of(submission: &Path) -> Printable {
    let name = submission.file_name().unwrap_or(submission.as_os_str());
    Printable::name(&name.to_string_lossy())
}

/// Takes what the rubric names.
///
/// # Errors
/// The submission is not what the rubric asks for.
pub fn take(submission: &Path, rubric: &Rubric) -> Result<Taken, SubmissionError> {
    let form = |expected| SubmissionError::Form {
        path: submission.to_owned(),
        expected,
    };
    let is = |test: fn(&fs::Metadata) -> bool| submission.symlink_metadata().is_ok_and(|found| test(&found));
    match rubric.kind {
        Kind::KernelFile if is(fs::Metadata::is_file) => Ok(Taken::default()),
        Kind::KernelFile => Err(form("kernel file")),
        Kind::Image if is(fs::Metadata::is_dir) => Ok(Taken::default()),
        Kind::Image => Err(form("folder with an image")),
        Kind::Sources if is(fs::Metadata::is_dir) => {
            let mut taken = Taken::default();
            walk(submission, Path::new(""), rubric, &mut taken)?;
            taken.left.sort();
            taken.files.sort_by(|one, other| one.path.cmp(&other.path));
            if taken.files.is_empty() {
                let expected = rubric.take.clone();
                return Err(SubmissionError::Nothing { expected });
            }
            Ok(taken)
        }
        Kind::Sources => Err(form("folder with sources")),
    }
}

fn walk(root: &Path, at: &Path, rubric: &Rubric, taken: &mut Taken) -> Result<(), SubmissionError> {
    let unreadable = |source: std::io::Error| SubmissionError::File {
        path: at.to_owned(),
        source: source.into(),
    };
    for entry in fs::read_dir(root.join(at)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = at.join(entry.file_name());
        if taken.files.len() + taken.left.len() > MAX_FILES {
            return Err(SubmissionError::TooLarge);
        }
        // The type of a link is that of a link, wherever it leads.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(root, &path, rubric, taken)?;
        } else if rubric.takes(&path) {
            let contents = regular_file::read(&root.join(&path), Links::Refused, MAX_SOURCE_BYTES).map_err(
                |source| SubmissionError::File {
                    path: path.clone(),
                    source,
                },
            )?;
            let bytes: usize = taken.files.iter().map(|file| file.contents.len()).sum();
            if bytes + contents.len() > MAX_TAKEN_BYTES {
                return Err(SubmissionError::TooLarge);
            }
            taken.files.push(SubmittedFile { path, contents });
        } else {
            taken.left.push(path);
        }
    }
    Ok(())
}
