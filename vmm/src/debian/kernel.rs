//! Debian's kernel for virtual machines.

use std::fs;
use std::path::{Path, PathBuf};

use super::Mirror;
use super::fetch::{Packages, from_mirrors};
use crate::image::{Attempt, Obstacle, Progress};

/// The package that stands for the newest of them.
const NEWEST: &str = "linux-image-cloud-amd64";
/// Folder of the cache in which each has a folder of its own.
const FOLDER: &str = "debian-kernels";

/// A kernel, and the modules that were built with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianKernel {
    /// A bzImage.
    pub file: PathBuf,
    /// The folder with its modules.
    pub modules: PathBuf,
}

/// There is no such kernel, and none can be had.
#[derive(Debug, thiserror::Error)]
#[error("no kernel of Debian's can be had for this:{}", Attempt::told(.attempts))]
pub struct NoKernel {
    /// Each way with the reason why it did not work.
    pub attempts: Vec<Attempt>,
}

/// The kernel in the folder `cache`, which apt fetches the first time.
///
/// # Errors
/// It is not there, and apt cannot fetch it.
pub fn kernel(cache: &Path, progress: &dyn Progress) -> Result<DebianKernel, NoKernel> {
    let folder = cache.join(FOLDER);
    if let Some(kernel) = kept(&folder) {
        return Ok(kernel);
    }
    let kernel = from_mirrors(
        &format!("package {NEWEST}"),
        |mirror| vec![mirror.suites.clone()],
        |mirror, suites| fetch(mirror, suites, &folder, progress),
    );
    progress.finish();
    kernel.map_err(|attempts| NoKernel { attempts })
}

fn fetch(
    mirror: &Mirror,
    suites: &[String],
    folder: &Path,
    progress: &dyn Progress,
) -> Result<DebianKernel, Obstacle> {
    progress.step("looking for a kernel of Debian's");
    let packages = Packages::in_folder(folder)?;
    let apt = packages.apt(mirror, suites)?;
    let missing = || Obstacle::Package {
        package: NEWEST.to_owned(),
        missing: "kernel",
    };
    let package = apt.stands_for(NEWEST)?.ok_or_else(missing)?;
    let version = apt.versions(&package)?.into_iter().next().ok_or_else(missing)?;
    progress.step(&format!("fetching {package} {version} from Debian"));
    let complete = packages.unpack(&apt, &package, &version)?;
    of_package(&complete).ok_or_else(missing)
}

/// One that was fetched before.
fn kept(folder: &Path) -> Option<DebianKernel> {
    let mut packages: Vec<PathBuf> = children(folder).collect();
    packages.sort();
    packages.iter().rev().find_map(|package| of_package(package))
}

fn of_package(package: &Path) -> Option<DebianKernel> {
    // Newer packages have everything below `usr`.
    let modules = ["lib/modules", "usr/lib/modules"]
        .iter()
        .find_map(|path| children(&package.join(path)).next())?;
    let is_kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("vmlinuz-")
    };
    let file = children(&package.join("boot")).find(is_kernel)?;
    Some(DebianKernel { file, modules })
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_package_is_found_and_an_incomplete_one_is_not() {
        let cache = tempfile::tempdir().unwrap();
        for (package, boot) in [("linux-image-6.1", true), ("linux-image-6.2", false)] {
            let package = cache.path().join(package);
            fs::create_dir_all(package.join("lib/modules/6/kernel")).unwrap();
            if boot {
                fs::create_dir_all(package.join("boot")).unwrap();
                fs::write(package.join("boot/vmlinuz-6"), "").unwrap();
            }
        }
        let found = kept(cache.path()).unwrap();
        assert_eq!(found.file, cache.path().join("linux-image-6.1/boot/vmlinuz-6"));
        assert_eq!(found.modules, cache.path().join("linux-image-6.1/lib/modules/6"));
        assert_eq!(kept(&cache.path().join("none")), None);
    }
}
