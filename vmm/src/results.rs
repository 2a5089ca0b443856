//! A folder of results: one file for each run that is finished, so that a call that was ended can go on, and that parts of it can be run
//! elsewhere and put together.
//!
//! A result's name is a hash of all that it depends on: the scenario, the guest's files, its options, and this program. So a result
//! is never taken for that of another guest, and files of several folders can be put into one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::regular_file::{self, Links};
use crate::report::{Judged, Report};
use crate::worker::Job;

/// What the names of results end with.
const EXTENSION: &str = "result.json";
/// Longest file that is hashed, in bytes: as long as a kernel's may be.
const MAX_HASHED_BYTES: u64 = 1 << 30;
/// Longest result that is read, in bytes.
const MAX_RESULT_BYTES: u64 = 256 << 20;
/// Bytes of a hash that are in a name.
const NAME_BYTES: usize = 8;

/// The result of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its place in the order of the call.
    pub place: usize,
    /// The scenario's file.
    pub file: String,
    /// The run.
    pub report: Report,
}

/// A folder of results.
#[derive(Clone, Debug)]
pub struct Results {
    folder: PathBuf,
}

/// A result cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// A file operation failed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A file cannot be a result.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: regular_file::RegularFileError,
    },
    /// A file is none.
    #[error("{} is no result of a run", path.display())]
    NoResult {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// A folder holds none.
    #[error("{} holds no results: no file whose name ends with `.{EXTENSION}`", folder.display())]
    None {
        /// The folder.
        folder: PathBuf,
    },
}

impl Results {
    /// The folder, made when it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Results, ResultsError> {
        fs::create_dir_all(folder).map_err(file("create", folder))?;
        Ok(Results {
            folder: folder.to_owned(),
        })
    }

    /// The result of that name, if there is a whole one.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Kept> {
        let path = self.path(name);
        path.is_file().then(|| read(&path).ok()).flatten()
    }

    /// Keeps a result. A call that is ended meanwhile leaves no half of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, name: &str, kept: &Kept) -> Result<(), ResultsError> {
        let path = self.path(name);
        let half = path.with_extension("new");
        let text = serde_json::to_vec(kept).expect("a report has no maps with keys of other types");
        fs::write(&half, text).map_err(file("write", &half))?;
        fs::rename(&half, &path).map_err(file("rename", &half))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{EXTENSION}"))
    }
}

/// All results of these folders, in the order of the call that they are from.
///
/// # Errors
/// A folder cannot be read or holds none, or a file is no result.
pub fn merge(folders: &[PathBuf]) -> Result<Vec<Kept>, ResultsError> {
    let mut merged = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).map_err(file("list", folder))?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let paths = paths
            .collect::<io::Result<Vec<_>>>()
            .map_err(file("list", folder))?;
        let before = merged.len();
        for path in paths {
            if path.to_string_lossy().ends_with(&format!(".{EXTENSION}")) {
                merged.push(read(&path)?);
            }
        }
        if merged.len() == before {
            let folder = folder.clone();
            return Err(ResultsError::None { folder });
        }
    }
    merged.sort_by(|one, other| (one.place, &one.file).cmp(&(other.place, &other.file)));
    merged.dedup();
    Ok(merged)
}

/// The name of the result of a job on the guest that is judged.
///
/// # Errors
/// The command's own file cannot be looked at.
pub fn name(job: &Job, judged: &Judged) -> Result<String, ResultsError> {
    let mut hasher = Sha256::new();
    let parts = (
        &job.scenario,
        &job.description,
        &job.options,
        &job.require,
        job.limits,
        job.slow,
        job.record,
        job.seed,
    );
    let parts = serde_json::to_vec(&parts).expect("a job has no maps with keys of other types");
    hasher.update(parts);
    for file in [&judged.kernel, &judged.programs] {
        hasher.update(file.sha256.as_str());
    }
    let program = Path::new("/proc/self/exe");
    let program = fs::metadata(program).map_err(file("look at", program))?;
    hasher.update(format!("{} {:?}", program.len(), program.modified().ok()));
    let stem = Path::new(&job.file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let hash = hasher.finalize();
    Ok(format!("{stem}-{}", hex(&hash[..NAME_BYTES])))
}

/// The SHA-256 of a file, in hexadecimal digits, as `sha256sum` prints it.
///
/// # Errors
/// It cannot be read, or is longer than a kernel may be.
pub fn sha256(path: &Path, links: Links) -> Result<String, ResultsError> {
    let unreadable = |source| ResultsError::Read {
        path: path.to_owned(),
        source,
    };
    let (mut contents, _) = regular_file::open(path, links, MAX_HASHED_BYTES).map_err(unreadable)?;
    let mut hasher = Sha256::new();
    io::copy(&mut contents, &mut hasher).map_err(file("read", path))?;
    Ok(hex(&hasher.finalize()))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read(path: &Path) -> Result<Kept, ResultsError> {
    let text = regular_file::read_text(path, Links::Followed, MAX_RESULT_BYTES);
    let text = text.map_err(|source| ResultsError::Read {
        path: path.to_owned(),
        source,
    })?;
    serde_json::from_str(&text).map_err(|source| ResultsError::NoResult {
        path: path.to_owned(),
        source,
    })
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ResultsError {
    let path = path.to_owned();
    move |source| ResultsError::File { action, path, source }
}
