//! Several files as one: tar in zstd. For what is handed from one machine to another, so whoever reads one trusts nothing in it.
//!
//! **Invariant:** what is unpacked lies below the folder that was named for it, and consists of ordinary files: a link, a device, a path
//! that leads elsewhere, a name that comes twice, and more bytes than allowed are refused.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::encoding::{CompressionLevel, compress};
use tar::{Archive, Builder, EntryType, Header};

use crate::printable::Printable;
use crate::regular_file::{self, Links, RegularFileError};

/// What the name of such a file ends with.
pub const EXTENSION: &str = "tar.zst";
/// Longest file that is unpacked, in bytes, as it lies on the disk.
const MAX_PACKED_BYTES: u64 = 1 << 30;
/// Most bytes of all that is in it.
const MAX_BYTES: u64 = 2 << 30;
/// Most files in it.
const MAX_FILES: usize = 4096;

/// Files on their way into one.
pub struct Packer {
    builder: Builder<Vec<u8>>,
}

/// Files cannot be made one, or one is no such file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackedError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: RegularFileError,
    },
    /// It cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file operation failed while it was unpacked.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was to be done, as a verb.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is no archive, or a damaged one.
    #[error("{} is damaged, or no {EXTENSION} file: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: Printable,
    },
    /// There is something in it that is not taken from a stranger.
    #[error("{} is refused: `{entry}` in it {why}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is in it.
        entry: Printable,
        /// Why it is not taken.
        why: &'static str,
    },
    /// There is too much in it.
    #[error("{} is refused: it holds more than {most}", path.display())]
    TooMuch {
        /// The file.
        path: PathBuf,
        /// The limit.
        most: String,
    },
}

impl Default for Packer {
    fn default() -> Packer {
        Packer {
            builder: Builder::new(Vec::new()),
        }
    }
}

impl Packer {
    /// Adds a file with these contents.
    ///
    /// # Panics
    /// The name is none for a file of an archive: it is empty, absolute, or longer than 100 bytes.
    pub fn add(&mut self, name: &str, contents: &[u8]) {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::Regular);
        header.set_size(contents.len() as u64);
        // Neither who packed it nor when: the same files give the same bytes.
        header.set_mode(0o644);
        self.builder
            .append_data(&mut header, name, contents)
            .expect("the name is short and relative, and memory takes what is written");
    }

    /// Adds a file of the disk.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_file(&mut self, name: &str, path: &Path) -> Result<(), PackedError> {
        let contents = regular_file::read(path, Links::Followed, MAX_BYTES);
        let contents = contents.map_err(|source| PackedError::Open {
            path: path.to_owned(),
            source,
        })?;
        self.add(name, &contents);
        Ok(())
    }

    /// Writes all of it to a file. A call that is ended meanwhile leaves no half of it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(self, path: &Path) -> Result<(), PackedError> {
        let archive = self.builder.into_inner().expect("memory takes what is written");
        let mut compressed = Vec::new();
        compress(&archive[..], &mut compressed, CompressionLevel::Fastest);
        let unwritable = |source| PackedError::Write {
            path: path.to_owned(),
            source,
        };
        let mut half = path.as_os_str().to_owned();
        half.push(".new");
        fs::write(&half, compressed).map_err(unwritable)?;
        fs::rename(&half, path).map_err(unwritable)?;
        Ok(())
    }
}

/// Unpacks a file into a folder, which is there.
///
/// # Errors
/// It cannot be read, is damaged, or holds what is not taken from a stranger. What was unpacked before is left in the folder.
pub fn unpack(path: &Path, folder: &Path) -> Result<(), PackedError> {
    let damaged = |error: io::Error| PackedError::Damaged {
        path: path.to_owned(),
        why: what_is_wrong(&error).into(),
    };
    let too_much = |most: String| PackedError::TooMuch {
        path: path.to_owned(),
        most,
    };
    let (packed, _) =
        regular_file::open(path, Links::Followed, MAX_PACKED_BYTES).map_err(|source| PackedError::Open {
            path: path.to_owned(),
            source,
        })?;
    let decoder =
        StreamingDecoder::new(BufReader::new(packed)).map_err(|error| damaged(io::Error::other(error)))?;
    // One byte more than allowed shows that there are more.
    let mut archive = Archive::new(decoder.take(MAX_BYTES + 1));
    let (mut names, mut bytes) = (BTreeSet::new(), 0);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.into_owned();
        let refused = |why| PackedError::Refused {
            path: path.to_owned(),
            entry: name.display().to_string().into(),
            why,
        };
        if entry.header().entry_type() != EntryType::Regular {
            return Err(refused("is no ordinary file"));
        }
        let is_below = name.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_below || name.as_os_str().is_empty() {
            return Err(refused(
                "has a path that leads out of the folder that it is unpacked to",
            ));
        }
        if !names.insert(name.clone()) {
            return Err(refused("is there twice"));
        }
        if names.len() > MAX_FILES {
            return Err(too_much(format!("{MAX_FILES} files")));
        }
        bytes += entry.size();
        if bytes > MAX_BYTES {
            return Err(too_much(format!("{} MiB", MAX_BYTES >> 20)));
        }
        let target = folder.join(&name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(file("create", parent))?;
        }
        let new = OpenOptions::new().write(true).create_new(true).open(&target);
        let mut new = new.map_err(file("write", &target))?;
        let size = entry.size();
        let copied = io::copy(&mut entry, &mut new).map_err(damaged)?;
        if copied != size {
            return Err(damaged(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    // A checksum that is wrong is found at the end.
    let rest = io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    if bytes + rest > MAX_BYTES {
        return Err(too_much(format!("{} MiB", MAX_BYTES >> 20)));
    }
    Ok(())
}

/// The decoder speaks to programmers.
fn what_is_wrong(error: &io::Error) -> String {
    let of_decoder = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<FrameDecoderError>());
    match of_decoder {
        Some(_) => "its compressed data is garbled or breaks off".to_owned(),
        None => error.to_string(),
    }
}

fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PackedError {
    let path = path.to_owned();
    move |source| PackedError::File { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// An archive of one entry, whatever it is.
    fn hostile(folder: &TempDir, kind: EntryType, name: &str, link: &str) -> PathBuf {
        let mut header = Header::new_ustar();
        // The crate refuses to write such names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        if !link.is_empty() {
            header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        }
        header.set_size(if kind == EntryType::Regular { 4 } else { 0 });
        header.set_cksum();
        let mut archive = header.as_bytes().to_vec();
        if kind == EntryType::Regular {
            archive.extend(b"evil");
            archive.resize(1024, 0);
        }
        archive.resize(archive.len() + 1024, 0);
        let path = folder.path().join("hostile.tar.zst");
        let mut compressed = Vec::new();
        compress(&archive[..], &mut compressed, CompressionLevel::Fastest);
        fs::write(&path, compressed).unwrap();
        path
    }

    fn unpacked(path: &Path, folder: &TempDir) -> Result<PathBuf, String> {
        let into = folder.path().join("into");
        fs::create_dir_all(&into).unwrap();
        unpack(path, &into).map_err(|error| error.to_string())?;
        Ok(into)
    }

    #[test]
    fn what_is_packed_comes_out_and_the_same_files_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let contents: Vec<u8> = (0..300_000_u32)
            .flat_map(|number| (number / 7).to_le_bytes())
            .collect();
        let write = |name: &str| {
            let mut packer = Packer::default();
            packer.add("a/b", &contents);
            packer.add("c", b"");
            let path = folder.path().join(name);
            packer.write(&path).unwrap();
            path
        };
        let (one, two) = (write("1.tar.zst"), write("2.tar.zst"));
        assert_eq!(fs::read(&one).unwrap(), fs::read(two).unwrap());
        let into = unpacked(&one, &folder).unwrap();
        assert_eq!(fs::read(into.join("a/b")).unwrap(), contents);
        assert_eq!(fs::read(into.join("c")).unwrap(), b"");
    }

    #[test]
    fn what_leads_out_is_refused_and_nothing_is_written() {
        for (kind, name, link, why) in [
            (EntryType::Regular, "../evil", "", "leads out of the folder"),
            (EntryType::Regular, "a/../../evil", "", "leads out of the folder"),
            (
                EntryType::Regular,
                "/tmp/ringside-evil",
                "",
                "leads out of the folder",
            ),
            (EntryType::Symlink, "link", "/etc/passwd", "is no ordinary file"),
            (EntryType::Link, "link", "/etc/passwd", "is no ordinary file"),
            (EntryType::Char, "device", "", "is no ordinary file"),
            (EntryType::Fifo, "pipe", "", "is no ordinary file"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let error = unpacked(&hostile(&folder, kind, name, link), &folder).unwrap_err();
            assert!(error.contains(why), "{name}: {error}");
            assert!(!folder.path().join("evil").exists() && !Path::new("/tmp/ringside-evil").exists());
            assert_eq!(
                fs::read_dir(folder.path().join("into")).unwrap().count(),
                0,
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_damaged_is_refused_wherever_it_ends_or_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.tar.zst");
        let mut packer = Packer::default();
        packer.add("a", &[7; 50_000]);
        packer.add("b", b"some text");
        packer.write(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for len in 0..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let _ = fs::remove_dir_all(folder.path().join("into"));
            let error = unpacked(&path, &folder).expect_err("a part of it is no archive");
            assert!(
                error.contains("is damaged, or no tar.zst file: "),
                "{len}: {error}"
            );
        }
        fs::write(&path, b"no archive at all").unwrap();
        assert!(unpacked(&path, &folder).unwrap_err().contains("is damaged"));
        let error = unpacked(Path::new("/nowhere.tar.zst"), &folder).unwrap_err();
        assert_eq!(error, "cannot read /nowhere.tar.zst");
    }

    #[test]
    fn more_bytes_than_allowed_are_refused_before_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = hostile(&folder, EntryType::Regular, "huge", "");
        let mut header = Header::new_ustar();
        header.set_path("huge").unwrap();
        header.set_entry_type(EntryType::Regular);
        header.set_size(MAX_BYTES + 1);
        header.set_cksum();
        let mut compressed = Vec::new();
        compress(&header.as_bytes()[..], &mut compressed, CompressionLevel::Fastest);
        fs::write(&path, compressed).unwrap();
        let error = unpacked(&path, &folder).unwrap_err();
        assert!(
            error.ends_with("is refused: it holds more than 2048 MiB"),
            "{error}"
        );
    }
}
