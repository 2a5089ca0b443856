//! From whichever mirror has it, into a folder of the cache.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Apt, ETC, Mirror, mirrors};
use crate::image::{Attempt, Obstacle};

/// What `fetch` gets from the first of the system's mirrors, and the first of the sets of suites there, that has it; or why none has.
/// `what` is looked for, in words.
pub(crate) fn from_mirrors<T>(
    what: &str,
    suites_of: impl Fn(&Mirror) -> Vec<Vec<String>>,
    mut fetch: impl FnMut(&Mirror, &[String]) -> Result<T, Obstacle>,
) -> Result<T, Vec<Attempt>> {
    let etc = Path::new(ETC);
    let mirrors = mirrors::configured(etc);
    if mirrors.is_empty() {
        return Err(vec![Attempt {
            way: what.to_owned(),
            reason: Obstacle::NoMirror { etc: etc.to_owned() },
        }]);
    }
    let mut attempts = Vec::new();
    for mirror in &mirrors {
        for suites in suites_of(mirror) {
            match fetch(mirror, &suites) {
                Ok(fetched) => return Ok(fetched),
                Err(reason) => attempts.push(Attempt {
                    way: format!("{what} in {} at {}", suites.join(" and "), mirror.uri),
                    reason,
                }),
            }
        }
    }
    Err(attempts)
}

/// A folder of the cache in which each package gets a folder of its own.
pub(super) struct Packages<'a> {
    folder: &'a Path,
    /// What is complete gets its name at last; the rest goes away with this.
    work: TempDir,
}

impl<'a> Packages<'a> {
    pub(super) fn in_folder(folder: &'a Path) -> Result<Packages<'a>, Obstacle> {
        fs::create_dir_all(folder).map_err(Obstacle::file(folder))?;
        let work = tempfile::tempdir_in(folder).map_err(Obstacle::file(folder))?;
        Ok(Packages { folder, work })
    }

    /// An apt that knows what these suites of a mirror have.
    pub(super) fn apt(&self, mirror: &Mirror, suites: &[String]) -> Result<Apt, Obstacle> {
        let apt = Apt::for_suites(mirror, suites, &self.work.path().join("apt"))?;
        apt.update()?;
        Ok(apt)
    }

    /// Unpacks a package, and gives its folder.
    pub(super) fn unpack(&self, apt: &Apt, package: &str, version: &str) -> Result<PathBuf, Obstacle> {
        let unpacked = self.work.path().join("unpacked");
        apt.unpack(package, version, &unpacked)?;
        let complete = self.folder.join(package);
        match fs::rename(&unpacked, &complete) {
            // Another process may have been faster: its folder is as good.
            Err(error) if !complete.is_dir() => Err(Obstacle::file(&complete)(error)),
            Ok(()) | Err(_) => Ok(complete),
        }
    }
}
