//! The grades of a call as a file, and those of several calls put together.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Grade;
use crate::regular_file::{self, Links, RegularFileError};

/// Longest file with grades that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The grades of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grades {
    /// What the assignment is called.
    pub title: String,
    /// How many submissions the call names, those of other parts included.
    pub expected: usize,
    /// The submissions that were graded, in the order of the call.
    pub grades: Vec<Placed>,
}

/// A grade, and the place of its submission in the order of the call, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// The place.
    pub place: usize,
    /// The grade.
    #[serde(flatten)]
    pub grade: Grade,
}

/// Grades cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GradesError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: RegularFileError,
    },
    /// A file holds no grades.
    #[error("{} holds no grades", path.display())]
    NoGrades {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// Two folders are of different calls.
    #[error(
        "{} has grades of another call: expected those of `{expected}`, found those of `{found}`", path.display()
    )]
    OtherCall {
        /// The second file.
        path: PathBuf,
        /// Title and number of submissions of the first.
        expected: String,
        /// Those of the second.
        found: String,
    },
    /// A submission has two grades.
    #[error(
        "{first} and {second} are both at place {place} of the call: expected each submission to be graded in one part"
    )]
    Twice {
        /// The place, from 1.
        place: usize,
        /// The submission of one part.
        first: String,
        /// The submission of another one.
        second: String,
    },
}

impl Grades {
    /// Their file in the folder of `--out`.
    pub const FILE: &str = "grades.json";

    /// Whether a folder has grades.
    #[must_use]
    pub fn are_in(folder: &Path) -> bool {
        folder.join(Self::FILE).exists()
    }

    /// The grades of these folders, as those of the call that they are parts of.
    ///
    /// # Errors
    /// A folder has none, or they are not those of one call.
    pub fn merge(folders: &[PathBuf]) -> Result<Grades, GradesError> {
        let mut merged: Option<Grades> = None;
        for folder in folders {
            let path = folder.join(Self::FILE);
            let part = read(&path)?;
            let Some(merged) = &mut merged else {
                merged = Some(part);
                continue;
            };
            let call = |grades: &Grades| format!("{}, {} submissions", grades.title, grades.expected);
            if (&merged.title, merged.expected) != (&part.title, part.expected) {
                return Err(GradesError::OtherCall {
                    path,
                    expected: call(merged),
                    found: call(&part),
                });
            }
            merged.grades.extend(part.grades);
        }
        let mut merged = merged.unwrap_or(Grades {
            title: String::new(),
            expected: 0,
            grades: Vec::new(),
        });
        merged.grades.sort_by_key(|placed| placed.place);
        merged.grades.dedup();
        let twice = merged
            .grades
            .windows(2)
            .find(|pair| pair[0].place == pair[1].place);
        if let Some([one, other]) = twice {
            return Err(GradesError::Twice {
                place: one.place + 1,
                first: one.grade.submission.to_string(),
                second: other.grade.submission.to_string(),
            });
        }
        Ok(merged)
    }

    /// How many submissions of the call are not among them.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.expected.saturating_sub(self.grades.len())
    }
}

fn read(path: &Path) -> Result<Grades, GradesError> {
    let text = regular_file::read_text(path, Links::Followed, MAX_FILE_BYTES).map_err(|source| {
        GradesError::Read {
            path: path.to_owned(),
            source,
        }
    })?;
    serde_json::from_str(&text).map_err(|source| GradesError::NoGrades {
        path: path.to_owned(),
        source,
    })
}
