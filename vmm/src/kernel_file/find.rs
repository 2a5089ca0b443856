//! Which kernels this machine has.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Where distributions put kernels.
const BOOT: &str = "/boot";
const PREFIX: &str = "vmlinuz-";

/// The newest kernel in `/boot` that this user may read; None when there is none.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    newest_in(Path::new(BOOT))
}

fn newest_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let versions = entries.filter_map(|entry| {
        let version = entry.file_name().to_str()?.strip_prefix(PREFIX)?.to_owned();
        File::open(entry.path()).ok().map(|_| (version, entry.path()))
    });
    let newest = versions.max_by(|(one, _), (other, _)| by_version(one, other));
    newest.map(|(_, path)| path)
}

/// Compares versions by their numbers: 6.10 comes after 6.9.
fn by_version(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        let words = version.split(|character: char| !character.is_ascii_digit());
        words.filter_map(|word| word.parse().ok()).collect()
    };
    numbers(one).cmp(&numbers(other)).then_with(|| one.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_one_with_the_highest_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "vmlinuz-6.9.0-1",
            "vmlinuz-6.10.0-1",
            "vmlinuz-5.15.0-99",
            "initrd.img-7.0",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(
            newest_in(folder.path()),
            Some(folder.path().join("vmlinuz-6.10.0-1"))
        );
        assert_eq!(newest_in(&folder.path().join("none")), None);
    }
}
