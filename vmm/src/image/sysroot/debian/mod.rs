//! The library's source from Debian, for machines whose toolchain has neither target nor source and may not fetch them.
//!
//! Debian's package `rust-src` of the compiler's own version is the same source. It may be in another suite than the
//! system's, so several are tried at the mirrors that the system uses anyway ([`crate::debian`]).

mod version;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Attempt, Obstacle};
use crate::debian::{Apt, Mirror, from_mirrors};
use crate::image::Progress;

const PACKAGE: &str = "rust-src";

/// Unpacks the source of the library of `release` below `work` and returns its directory, or what was tried in vain.
pub(super) fn library_source(
    release: &str,
    work: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Vec<Attempt>> {
    from_mirrors(
        &format!("Debian package {PACKAGE}"),
        Mirror::suites_to_try,
        |mirror, suites| fetch(release, mirror, suites, work, progress),
    )
}

fn fetch(
    release: &str,
    mirror: &Mirror,
    suites: &[String],
    work: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Obstacle> {
    progress.step(&format!(
        "looking for {PACKAGE} {release} in Debian {}",
        suites.join(" and ")
    ));
    let apt = Apt::for_suites(mirror, suites, &work.join("apt"))?;
    apt.update()?;
    let found = apt.versions(PACKAGE)?;
    let Some(wanted) = found.iter().find(|version| version::is_release(version, release)) else {
        return Err(Obstacle::NoVersion {
            package: PACKAGE,
            found,
            wanted: release.to_owned(),
        });
    };
    progress.step(&format!(
        "fetching {PACKAGE} {wanted} from Debian {}",
        suites.join(" and ")
    ));
    let unpacked = work.join(PACKAGE);
    apt.unpack(PACKAGE, wanted, &unpacked)?;
    find_library(&unpacked.join("usr/src")).ok_or_else(|| Obstacle::Package {
        package: format!("{PACKAGE} {wanted}"),
        missing: "usr/src/*/library/core",
    })
}

fn find_library(src: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(src).ok()?.flatten();
    entries
        .map(|entry| entry.path().join("library"))
        .find(|library| library.join("core/src/lib.rs").is_file())
}

#[cfg(test)]
mod tests;
