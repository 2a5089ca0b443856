//! From a bundle to runs that can be made again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::{BundledRun, Conditions, KERNEL, MANIFEST, Manifest, PROGRAMS, REPORT, SCENARIO, VERSION, path};
use crate::guest::{Description, Exploring, Record};
use crate::image::GuestImage;
use crate::packed::{self, PackedError};
use crate::printable::Printable;
use crate::regular_file::{self, Links, RegularFileError};
use crate::worker::{Confinement, Job, RunLimits};

/// Longest text in a bundle that is read, in bytes.
const MAX_TEXT_BYTES: u64 = 256 << 20;

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It is no packed file, or holds what is not taken.
    #[error(transparent)]
    Packed(#[from] PackedError),
    /// There is no place to unpack it.
    #[error("cannot make a folder for what is in the bundle")]
    Folder(#[source] std::io::Error),
    /// A file is missing in it.
    #[error("{} is no bundle: it has no usable `{name}`", bundle.display())]
    Missing {
        /// The bundle.
        bundle: PathBuf,
        /// The file.
        name: String,
        /// Why it cannot be read.
        source: RegularFileError,
    },
    /// A file in it says something else than such files say.
    #[error("{} is no bundle: `{name}` in it cannot be read", bundle.display())]
    Parse {
        /// The bundle.
        bundle: PathBuf,
        /// The file.
        name: String,
        /// Where and why.
        source: serde_json::Error,
    },
    /// It is of another version.
    #[error("{} is a bundle of version {found}, and this command knows version {VERSION}: use the Ringside that wrote it", bundle.display())]
    Version {
        /// The bundle.
        bundle: PathBuf,
        /// Its version.
        found: u64,
    },
    /// Nothing was run.
    #[error("{} holds no runs", bundle.display())]
    NoRuns {
        /// The bundle.
        bundle: PathBuf,
    },
}

/// A bundle, unpacked until this goes away.
#[derive(Debug)]
pub struct Unpacked {
    folder: TempDir,
    /// On what the runs were made.
    pub conditions: Conditions,
    /// The runs.
    pub runs: Vec<BundledRun>,
}

impl Unpacked {
    /// Unpacks a bundle.
    ///
    /// # Errors
    /// It is none, or it holds what is not taken from a stranger.
    pub fn at(bundle: &Path) -> Result<Unpacked, BundleError> {
        let folder = tempfile::tempdir().map_err(BundleError::Folder)?;
        packed::unpack(bundle, folder.path())?;
        let reader = Reader {
            bundle,
            folder: folder.path(),
        };
        // The version first: what else there is depends on it.
        let version: serde_json::Value = reader.json(MANIFEST)?;
        let version = version["version"].as_u64().unwrap_or_default();
        if version != u64::from(VERSION) {
            return Err(BundleError::Version {
                bundle: bundle.to_owned(),
                found: version,
            });
        }
        let manifest: Manifest = reader.json(MANIFEST)?;
        if manifest.runs.is_empty() {
            return Err(BundleError::NoRuns {
                bundle: bundle.to_owned(),
            });
        }
        for name in [KERNEL, PROGRAMS] {
            reader.find(name)?;
        }
        let runs = manifest.runs.into_iter().enumerate().map(|(number, file)| {
            Ok(BundledRun {
                // It is shown in messages.
                file: Printable::from(file).to_string(),
                scenario: reader.text(&path(number, SCENARIO))?,
                report: reader.json(&path(number, REPORT))?,
            })
        });
        let runs = runs.collect::<Result<Vec<_>, BundleError>>()?;
        Ok(Unpacked {
            conditions: manifest.conditions,
            runs,
            folder,
        })
    }

    /// What a worker is to be asked for a run, with `slow` times longer for the host than it was allowed then.
    #[must_use]
    pub fn job(
        &self,
        run: &BundledRun,
        slow: u32,
        scratch: &Path,
        (confinement, exploring, patience): (Confinement, Exploring, Duration),
    ) -> Job {
        let Conditions {
            description,
            programs,
            modules,
            options,
            require,
            slow: was_slow,
            ..
        } = &self.conditions;
        let (kernel, initrd) = (self.folder.path().join(KERNEL), self.folder.path().join(PROGRAMS));
        Job {
            file: run.file.clone(),
            scenario: run.scenario.clone(),
            image: GuestImage {
                kernel: kernel.clone(),
                initrd: initrd.clone(),
                program_dir: self.folder.path().to_owned(),
                programs: programs.clone(),
                modules: modules.clone(),
            },
            // Paths are those of another machine.
            description: Description {
                kernel: Some(kernel),
                initrd: Some(initrd),
                ..description.clone()
            },
            options: options.clone(),
            require: require.clone(),
            slow: slow.max(*was_slow),
            record: Record::NOTHING,
            exploring,
            limits: RunLimits::default(),
            patience,
            seed: run.report.seed,
            scratch: scratch.to_owned(),
            confinement,
            debugger: None,
        }
    }
}

/// Reads files of an unpacked bundle.
struct Reader<'a> {
    bundle: &'a Path,
    folder: &'a Path,
}

impl Reader<'_> {
    fn find(&self, name: &str) -> Result<(), BundleError> {
        let opened = regular_file::open(&self.folder.join(name), Links::Refused, u64::MAX);
        opened.map(|_| ()).map_err(self.missing(name))
    }

    fn text(&self, name: &str) -> Result<String, BundleError> {
        let text = regular_file::read_text(&self.folder.join(name), Links::Refused, MAX_TEXT_BYTES);
        text.map_err(self.missing(name))
    }

    fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T, BundleError> {
        serde_json::from_str(&self.text(name)?).map_err(|source| BundleError::Parse {
            bundle: self.bundle.to_owned(),
            name: name.to_owned(),
            source,
        })
    }

    fn missing(&self, name: &str) -> impl FnOnce(RegularFileError) -> BundleError {
        let (bundle, name) = (self.bundle.to_owned(), name.to_owned());
        move |source| BundleError::Missing { bundle, name, source }
    }
}
