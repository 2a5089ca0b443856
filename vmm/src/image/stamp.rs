//! The key of an image: a hash of all that goes into it.
//!
//! Contents are hashed, not times, so that going back to an earlier state of the sources finds its image again. The
//! compiler is in it through `rust-toolchain.toml`: asking `rustc` for its version would cost more than all the rest. The C
//! compiler, which no file of the workspace chooses, is in it by its name and by what it says of its version.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::guest_cargo::GuestCrate;
use super::{ImageError, ImageKind, c_programs};

/// Files and directories of the workspace that the guest is built from.
pub(super) const SOURCES: [&str; 7] = [
    "guest-kernel",
    "guest-user",
    "guest-modules",
    "abi",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];
/// The code that packs the image is an ingredient too.
const BUILDER: [&str; 6] = [
    include_str!("build.rs"),
    include_str!("c_programs.rs"),
    include_str!("files.rs"),
    include_str!("guest_cargo.rs"),
    include_str!("initrd.rs"),
    include_str!("modules.rs"),
];

pub(super) fn key(workspace: &Path, kind: ImageKind) -> Result<String, ImageError> {
    find_sources(workspace)?;
    let compiler = c_programs::ask_compiler();
    let mut hasher = DefaultHasher::new();
    kind.kernel_features().hash(&mut hasher);
    BUILDER.hash(&mut hasher);
    for package in GuestCrate::ALL {
        package.flags().hash(&mut hasher);
    }
    for source in SOURCES {
        add(&mut hasher, workspace, &workspace.join(source))?;
    }
    compiler.identity().hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// Whether a workspace has all that a guest is built from.
pub(super) fn find_sources(workspace: &Path) -> Result<(), ImageError> {
    match SOURCES
        .into_iter()
        .find(|source| !workspace.join(source).exists())
    {
        None => Ok(()),
        Some(missing) => Err(ImageError::NoSources {
            workspace: workspace.to_owned(),
            missing,
        }),
    }
}

/// Hashes a file, or all files below a directory in the order of their names. Anything else is no source: editors leave
/// dangling links next to the files they edit.
fn add(hasher: &mut DefaultHasher, workspace: &Path, path: &Path) -> Result<(), ImageError> {
    let kind = fs::symlink_metadata(path)
        .map_err(ImageError::file("read", path))?
        .file_type();
    if kind.is_dir() {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(ImageError::file("list", path))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            add(hasher, workspace, &entry.path())?;
        }
    } else if kind.is_file() {
        path.strip_prefix(workspace).unwrap_or(path).hash(hasher);
        fs::read(path)
            .map_err(ImageError::file("read", path))?
            .hash(hasher);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn workspace() -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        for source in [
            "guest-kernel/src",
            "guest-user/src",
            "guest-modules/src",
            "abi/src",
        ] {
            fs::create_dir_all(dir.path().join(source)).unwrap();
            fs::write(dir.path().join(source).join("lib.rs"), "#![no_std]").unwrap();
        }
        for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
            fs::write(dir.path().join(file), "").unwrap();
        }
        dir
    }

    fn key_of(dir: &TempDir) -> String {
        key(dir.path(), ImageKind::Shipped).unwrap()
    }

    #[test]
    fn the_same_sources_in_another_place_and_of_another_time_have_the_same_key() {
        assert_eq!(key_of(&workspace()), key_of(&workspace()));
    }

    #[test]
    fn a_change_that_keeps_a_files_length_changes_the_key() {
        let dir = workspace();
        let before = key_of(&dir);
        fs::write(dir.path().join("guest-kernel/src/lib.rs"), "#![no_STD]").unwrap();
        assert_ne!(key_of(&dir), before);
        fs::write(dir.path().join("guest-kernel/src/lib.rs"), "#![no_std]").unwrap();
        assert_eq!(key_of(&dir), before);
    }

    #[test]
    fn a_new_a_renamed_and_a_removed_source_change_the_key() {
        let dir = workspace();
        let (first, second) = (dir.path().join("abi/src/a.rs"), dir.path().join("abi/src/b.rs"));
        let without = key_of(&dir);
        fs::write(&first, "").unwrap();
        let added = key_of(&dir);
        fs::rename(&first, &second).unwrap();
        let renamed = key_of(&dir);
        fs::remove_file(&second).unwrap();
        assert_ne!(added, without);
        assert_ne!(renamed, added);
        assert_eq!(key_of(&dir), without);
    }

    #[test]
    fn each_listed_source_is_part_of_the_key() {
        for source in [
            "guest-kernel/x",
            "guest-user/x",
            "guest-modules/x",
            "abi/x",
            "Cargo.toml",
            "Cargo.lock",
            "rust-toolchain.toml",
        ] {
            let dir = workspace();
            let before = key_of(&dir);
            fs::write(dir.path().join(source), "changed").unwrap();
            assert_ne!(key_of(&dir), before, "{source}");
        }
    }

    #[test]
    fn a_kernel_with_mutants_has_a_key_of_its_own() {
        let dir = workspace();
        assert_ne!(key(dir.path(), ImageKind::Mutants).unwrap(), key_of(&dir));
    }

    #[test]
    fn a_dangling_link_of_an_editor_is_no_source() {
        let dir = workspace();
        let before = key_of(&dir);
        std::os::unix::fs::symlink("user@host.123", dir.path().join("abi/.#lib.rs")).unwrap();
        assert_eq!(key_of(&dir), before);
    }

    #[test]
    fn a_directory_without_guest_sources_is_named_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let error = key(dir.path(), ImageKind::Shipped).unwrap_err();
        assert!(
            matches!(
                error,
                ImageError::NoSources {
                    missing: "guest-kernel",
                    ..
                }
            ),
            "{error}"
        );
    }
}
