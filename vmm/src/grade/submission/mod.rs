//! What is taken of a submission, and what is left.
//!
//! Sources come as a folder, as an archive ([`archive`]) or as a patch to the course's own ([`patch`]).
//!
//! **Invariant:** nothing is read through a symbolic link, and nothing is taken that the rubric does not name.

mod archive;
mod patch;

use std::fs;
use std::path::{Path, PathBuf};

use super::rubric::{GUEST, Kind, Rubric};
use crate::image::{self, ImageError, SubmittedFile};
use crate::printable::Printable;
use crate::regular_file::{self, Links};
use archive::Packing;

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
    /// A file of an archive would be elsewhere than in its folder.
    #[error("{} in the archive leads out of it", path.display())]
    LeadsOut {
        /// Its path.
        path: PathBuf,
    },
    /// Two files are for the same place.
    #[error("it has two files for {}", path.display())]
    Twice {
        /// The place in the workspace.
        path: PathBuf,
    },
    /// An archive cannot be read.
    #[error("the archive cannot be read: {0}")]
    Archive(std::io::Error),
    /// A patch cannot be applied.
    #[error("the patch cannot be applied: {problem}")]
    Patch {
        /// Why not.
        problem: String,
    },
    /// The course's own sources, which a patch changes, are not there.
    #[error(transparent)]
    Course(#[from] ImageError),
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

/// The name of a submission: that of its folder or file, without what says that it is an archive or a patch. It names a file, too.
#[must_use]
pub fn name_of(submission: &Path) -> Printable {
    // `.` and `..` are called something else, too.
    let whole = match submission.file_name() {
        Some(_) => submission.to_owned(),
        None => submission.canonicalize().unwrap_or_default(),
    };
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let bare = if whole.is_file() {
        patch::bare_name(archive::bare_name(&name))
    } else {
        &name
    };
    match bare {
        "" => Printable::name("submission"),
        bare => Printable::name(bare),
    }
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
        Kind::Sources => {
            let name = submission.file_name().unwrap_or_default().to_string_lossy();
            let mut collector = Collector {
                rubric,
                taken: Taken::default(),
                taken_bytes: 0,
            };
            if is(fs::Metadata::is_dir) {
                walk(submission, Path::new(""), &mut collector)?;
            } else if patch::is_patch(&name) {
                patch::read(submission, &image::workspace()?, &mut collector)?;
            } else if let Some(packing) = Packing::of(&name) {
                archive::read(submission, packing, &mut collector)?;
            } else {
                return Err(form(
                    "folder with sources, archive (.tar, .tar.gz, .tar.zst, .zip) or patch (.patch, .diff)",
                ));
            }
            collector.finish()
        }
    }
}

/// Takes files one by one.
struct Collector<'a> {
    rubric: &'a Rubric,
    taken: Taken,
    taken_bytes: usize,
}

impl Collector<'_> {
    /// A file of the submission, at its path there. It is read only if it is taken.
    fn offer(
        &mut self,
        path: &Path,
        read: impl FnOnce() -> Result<Vec<u8>, SubmissionError>,
    ) -> Result<(), SubmissionError> {
        if self.taken.files.len() + self.taken.left.len() >= MAX_FILES {
            return Err(SubmissionError::TooLarge);
        }
        let place = place_of(path);
        if !self.rubric.takes(place) {
            self.taken.left.push(path.to_owned());
            return Ok(());
        }
        if self.taken.files.iter().any(|file| file.path == place) {
            let path = place.to_owned();
            return Err(SubmissionError::Twice { path });
        }
        let contents = read()?;
        self.taken_bytes += contents.len();
        if self.taken_bytes > MAX_TAKEN_BYTES {
            return Err(SubmissionError::TooLarge);
        }
        let path = place.to_owned();
        self.taken.files.push(SubmittedFile { path, contents });
        Ok(())
    }

    fn finish(self) -> Result<Taken, SubmissionError> {
        let mut taken = self.taken;
        taken.left.sort();
        taken.files.sort_by(|one, other| one.path.cmp(&other.path));
        if taken.files.is_empty() {
            let expected = self.rubric.take.clone();
            return Err(SubmissionError::Nothing { expected });
        }
        Ok(taken)
    }
}

/// The place in the workspace of a file of a submission. Archives often have one folder with everything in it, which is no part of it.
fn place_of(path: &Path) -> &Path {
    let is_of_guest = |path: &Path| GUEST.iter().any(|folder| path.starts_with(folder));
    let mut parts = path.components();
    parts.next();
    let below = parts.as_path();
    if !is_of_guest(path) && is_of_guest(below) {
        below
    } else {
        path
    }
}

fn walk(root: &Path, at: &Path, collector: &mut Collector<'_>) -> Result<(), SubmissionError> {
    let unreadable = |source: std::io::Error| SubmissionError::File {
        path: at.to_owned(),
        source: source.into(),
    };
    let mut entries = fs::read_dir(root.join(at))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = at.join(entry.file_name());
        // The type of a link is that of a link, wherever it leads.
        if entry.file_type().map_err(unreadable)?.is_dir() {
            walk(root, &path, collector)?;
            continue;
        }
        collector.offer(&path, || {
            regular_file::read(&root.join(&path), Links::Refused, MAX_SOURCE_BYTES).map_err(|source| {
                SubmissionError::File {
                    path: path.clone(),
                    source,
                }
            })
        })?;
    }
    Ok(())
}
