//! The library's source from Debian, for machines whose toolchain has neither target nor source and may not fetch them.
//!
//! Debian's package `rust-src` of the compiler's own version is the same source. It may be in another suite than the
//! system's, so several are tried at the mirrors that the system uses anyway ([`crate::debian`]).

mod version;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Attempt, Obstacle};
use crate::debian::{Apt, ETC, Mirror, mirrors};
use crate::image::Progress;

const PACKAGE: &str = "rust-src";

/// Unpacks the source of the library of `release` below `work` and returns its directory, or what was tried in vain.
pub(super) fn library_source(
    release: &str,
    work: &Path,
    progress: &dyn Progress,
) -> Result<PathBuf, Vec<Attempt>> {
    let etc = Path::new(ETC);
    let mirrors = mirrors::configured(etc);
    if mirrors.is_empty() {
        let reason = Obstacle::NoMirror { etc: etc.to_owned() };
        return Err(vec![Attempt {
            way: format!("Debian package {PACKAGE}"),
            reason,
        }]);
    }
    let mut attempts = Vec::new();
    for mirror in &mirrors {
        for suites in mirror.suites_to_try() {
            let way = format!(
                "Debian package {PACKAGE} in {} at {}",
                suites.join(" and "),
                mirror.uri
            );
            match fetch(release, mirror, &suites, work, progress) {
                Ok(library) => return Ok(library),
                Err(reason) => attempts.push(Attempt { way, reason }),
            }
        }
    }
    Err(attempts)
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
