//! A program that this machine does not have, out of a package of Debian's.

use std::path::{Path, PathBuf};

use super::Mirror;
use super::fetch::{Packages, from_mirrors};
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
    from_mirrors(
        &format!("package {package}"),
        |mirror| vec![mirror.suites.clone()],
        |mirror, suites| {
            progress.step(&format!("fetching {package} from Debian"));
            fetch(package, mirror, suites, &folder)?;
            let missing = || Obstacle::Package {
                package: package.to_owned(),
                missing: file,
            };
            program.is_file().then(|| program.clone()).ok_or_else(missing)
        },
    )
}

fn fetch(
    package: &'static str,
    mirror: &Mirror,
    suites: &[String],
    folder: &Path,
) -> Result<PathBuf, Obstacle> {
    let packages = Packages::in_folder(folder)?;
    let apt = packages.apt(mirror, suites)?;
    let version = apt.versions(package)?.into_iter().next();
    let version = version.ok_or_else(|| Obstacle::Package {
        package: package.to_owned(),
        missing: "version",
    })?;
    packages.unpack(&apt, package, &version)
}
