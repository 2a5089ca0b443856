//! A program that this machine does not have, out of a package of Debian's.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Apt, ETC, Mirror, mirrors};
use crate::image::{Attempt, Obstacle, Progress};

/// Folder of the cache in which each package has a folder of its own.
const FOLDER: &str = "debian-programs";

/// The program `file` of a package, in the folder `cache`, which apt fetches the first time; or each way that was tried in vain.
pub(crate) fn program(
    package: &'static str,
    file: &'static str,
    cache: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Vec<Attempt>> {
    let folder = cache.join(FOLDER);
    let program = folder.join(package).join(file);
    if program.is_file() {
        return Ok(program);
    }
    let etc = Path::new(ETC);
    let mirrors = mirrors::configured(etc);
    let mut attempts = Vec::new();
    if mirrors.is_empty() {
        attempts.push(Attempt {
            way: format!("package {package}"),
            reason: Obstacle::NoMirror { etc: etc.to_owned() },
        });
    }
    for mirror in &mirrors {
        progress.step(&format!("fetching {package} from Debian"));
        match fetch(package, mirror, &folder) {
            Ok(()) if program.is_file() => return Ok(program),
            Ok(()) => attempts.push(attempt(
                package,
                mirror,
                Obstacle::Package {
                    package: package.to_owned(),
                    missing: file,
                },
            )),
            Err(reason) => attempts.push(attempt(package, mirror, reason)),
        }
    }
    Err(attempts)
}

fn attempt(package: &str, mirror: &Mirror, reason: Obstacle) -> Attempt {
    let suites = mirror.suites.join(" and ");
    Attempt {
        way: format!("package {package} in {suites} at {}", mirror.uri),
        reason,
    }
}

fn fetch(package: &'static str, mirror: &Mirror, folder: &Path) -> Result<(), Obstacle> {
    fs::create_dir_all(folder).map_err(Obstacle::file(folder))?;
    // What is complete gets its name at last; the rest goes away with this.
    let work = tempfile::tempdir_in(folder).map_err(Obstacle::file(folder))?;
    let apt = Apt::for_suites(mirror, &mirror.suites, &work.path().join("apt"))?;
    apt.update()?;
    let version = apt.versions(package)?.into_iter().next();
    let version = version.ok_or_else(|| Obstacle::Package {
        package: package.to_owned(),
        missing: "version",
    })?;
    let unpacked = work.path().join("unpacked");
    apt.unpack(package, &version, &unpacked)?;
    let complete = folder.join(package);
    match fs::rename(&unpacked, &complete) {
        // Another process may have been faster: its folder is as good.
        Err(_) if complete.is_dir() => Ok(()),
        renamed => renamed.map_err(Obstacle::file(&complete)),
    }
}
