//! Files that a user adds to the archive of an image: modules, programs, data.

mod found;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File as OpenFile};
use std::path::{Path, PathBuf};

use abi::boot::DRIVERS_DIR;
use sha2::{Digest, Sha256};

pub use found::Added;

use super::build::{copy, keep_newest, write_file};
use super::files::{File, Mode};
use super::{GuestImage, INITRD, ImageError, KERNEL, PROGRAMS, initrd, kept, modules, program_files};
use crate::archive;
use crate::kernel_file::ModulesError;
use crate::regular_file::RegularFileError;
use crate::results;
use found::{Found, find};

/// Folder of the cache, and what the names of its images begin with.
const FOLDER: &str = "added";
const PREFIX: &str = "image-";
/// Images that are kept.
const KEPT_IMAGES: usize = 4;
/// Bytes of a hash that name an image.
const NAME_BYTES: usize = 8;

/// Something cannot be added to an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AddedError {
    /// It cannot be read.
    #[error("cannot add {}", .path.display())]
    Read {
        /// What was to be added.
        path: PathBuf,
        /// Why not.
        source: RegularFileError,
    },
    /// A folder cannot be read.
    #[error("cannot add {}", .path.display())]
    Folder {
        /// The folder that was to be added.
        path: PathBuf,
        /// Why not.
        source: walkdir::Error,
    },
    /// It has no name that can stand in an archive.
    #[error("cannot add {}: its path in the guest would be `{guest_path}`, which {problem}", .path.display())]
    Path {
        /// What was to be added.
        path: PathBuf,
        /// Where it would be.
        guest_path: String,
        /// What is wrong with that.
        problem: &'static str,
    },
    /// Two files would have one path.
    #[error("cannot add {}: the guest has a file `{guest_path}` already; choose another path, as in --add PATH:GUEST_PATH", .path.display())]
    Taken {
        /// What was to be added.
        path: PathBuf,
        /// Where it would be.
        guest_path: String,
    },
    /// The guest loads another archive than the image's.
    #[error("cannot add files to this guest: it brings an archive of its own, {}", .archive.display())]
    OtherArchive {
        /// The archive.
        archive: PathBuf,
    },
    /// There are no drivers for the machine's devices.
    #[error(transparent)]
    Modules(#[from] ModulesError),
    /// The image cannot be made.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl GuestImage {
    /// This image with these files in its archive as well, and with these drivers, in the order in which they are to be loaded; it lies below the folder
    /// `cache`. Who may execute a file on the host may do so in the guest.
    ///
    /// # Errors
    /// A file cannot be read, or its path in the guest is none or is taken.
    pub fn with_files(
        &self,
        added: &[Added],
        drivers: Vec<Vec<u8>>,
        cache: &Path,
    ) -> Result<GuestImage, AddedError> {
        let mut found = find(added)?;
        found.extend(as_files(drivers));
        let archive = OpenFile::open(&self.initrd).map_err(ImageError::file("open", &self.initrd))?;
        for (name, _) in archive::files(&archive) {
            if let Some(found) = found.get(&name) {
                return Err(AddedError::Taken {
                    path: found.from.clone(),
                    guest_path: name,
                });
            }
        }
        let original = fs::read(&self.initrd).map_err(ImageError::file("read", &self.initrd))?;
        let kernel = fs::read(&self.kernel).map_err(ImageError::file("read", &self.kernel))?;
        let folder = cache.join(FOLDER);
        let image = kept::image(&folder, &name_of([&kernel, &original], &found), |work| {
            self.write_with(&original, &found, work)
        })?;
        keep_newest(&folder, PREFIX, KEPT_IMAGES)?;
        Ok(image)
    }

    fn write_with(
        &self,
        original: &[u8],
        found: &BTreeMap<String, Found>,
        to: &Path,
    ) -> Result<(), ImageError> {
        copy(&self.kernel, &to.join(KERNEL))?;
        let programs = to.join(PROGRAMS);
        for (name, path) in program_files(&self.program_dir)? {
            let to = programs.join(&name);
            make_parent(&to)?;
            copy(&path, &to)?;
        }
        let folders: BTreeSet<&str> = found.keys().flat_map(|name| folders_of(name)).collect();
        let files = found.iter().map(|(name, file)| File {
            name,
            mode: file.mode,
            contents: &file.contents,
        });
        let entries: Vec<File<'_>> = folders.into_iter().map(folder).chain(files).collect();
        // A module that lies beside the programs is one of this project's.
        let is_program =
            |entry: &&File<'_>| entry.mode == Mode::Executable && !modules::is_module(entry.name);
        for entry in entries.iter().filter(is_program) {
            let path = programs.join(entry.name);
            make_parent(&path)?;
            write_file(&path, *entry)?;
        }
        let path = to.join(INITRD);
        let written = initrd::append(original, &entries).and_then(|archive| fs::write(&path, archive));
        written.map_err(ImageError::file("write", &path))
    }
}

/// Drivers by their paths in the guest.
fn as_files(drivers: Vec<Vec<u8>>) -> impl Iterator<Item = (String, Found)> {
    let numbered = drivers.into_iter().enumerate();
    numbered.map(|(number, contents)| {
        let name = format!("{DRIVERS_DIR}/{number:02}");
        let driver = Found {
            from: PathBuf::from(&name),
            mode: Mode::Data,
            contents,
        };
        (name, driver)
    })
}

fn make_parent(path: &Path) -> Result<(), ImageError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(ImageError::file("create", parent))
}

/// The folders that a path leads through, the outermost first.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

fn folder(name: &str) -> File<'_> {
    File {
        name,
        mode: Mode::Folder,
        contents: b"",
    }
}

/// A name that changes with everything that goes into the image, and with the code that makes it.
fn name_of(image: [&[u8]; 2], found: &BTreeMap<String, Found>) -> String {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(include_str!("mod.rs").as_bytes());
    add(include_str!("../initrd.rs").as_bytes());
    image.into_iter().for_each(&mut add);
    for (name, file) in found {
        add(name.as_bytes());
        add(&file.mode.bits().to_le_bytes());
        add(&file.contents);
    }
    let hash = hasher.finalize();
    format!("{PREFIX}{}", results::hex(&hash[..NAME_BYTES]))
}

#[cfg(test)]
mod tests;
