//! Archives: tar, plain or packed with gzip or zstd, and zip. Nothing is unpacked to disk: what the rubric takes is read, bounded in size.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::{Collector, SubmissionError};
use crate::archive;
use crate::printable;
use crate::regular_file::{self, Links};

/// Longest archive, and most bytes that it may be unpacked to.
const MAX_ARCHIVE_BYTES: u64 = 256 << 20;
const MAX_UNPACKED_BYTES: u64 = 1 << 30;

/// A form of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Tar,
    TarGz,
    TarZst,
    Zip,
}

/// What the names of archives end with.
const ENDINGS: [(&str, Packing); 6] = [
    (".tar", Packing::Tar),
    (".tar.gz", Packing::TarGz),
    (".tgz", Packing::TarGz),
    (".tar.zst", Packing::TarZst),
    (".tzst", Packing::TarZst),
    (".zip", Packing::Zip),
];

impl Packing {
    /// That of a file of this name; None when it is no archive's.
    pub(super) fn of(name: &str) -> Option<Packing> {
        let name = name.to_ascii_lowercase();
        let known = ENDINGS.into_iter().find(|(ending, _)| name.ends_with(ending));
        known.map(|(_, packing)| packing)
    }
}

/// A name without the ending of an archive's.
pub(super) fn bare_name(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|(ending, _)| lower.ends_with(ending));
    ending.map_or(name, |(ending, _)| &name[..name.len() - ending.len()])
}

/// Offers each file of an archive to the collector.
pub(super) fn read(
    archive: &Path,
    packing: Packing,
    collector: &mut Collector<'_>,
) -> Result<(), SubmissionError> {
    let (file, _) = regular_file::open(archive, Links::Refused, MAX_ARCHIVE_BYTES).map_err(|source| {
        SubmissionError::File {
            path: archive.to_owned(),
            source,
        }
    })?;
    match packing {
        Packing::Tar => tar(file, collector),
        Packing::TarGz => tar(flate2::read::MultiGzDecoder::new(BufReader::new(file)), collector),
        Packing::TarZst => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(BufReader::new(file));
            tar(decoder.map_err(|error| broken(&error))?, collector)
        }
        Packing::Zip => zip(file, collector),
    }
}

fn tar(packed: impl Read, collector: &mut Collector<'_>) -> Result<(), SubmissionError> {
    let mut archive = tar::Archive::new(packed.take(MAX_UNPACKED_BYTES));
    for entry in archive.entries().map_err(|error| broken(&error))? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let kind = entry.header().entry_type();
        // Notes of other programs, and of the archive itself.
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let path = entry.path().map_err(|error| broken(&error))?.into_owned();
        let path = inside(&path)?;
        let (length, is_file) = (entry.size(), kind.is_file() || kind.is_contiguous());
        collector.offer(&path, || contents(&path, &mut entry, length, is_file))?;
    }
    Ok(())
}

fn zip(file: File, collector: &mut Collector<'_>) -> Result<(), SubmissionError> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| broken(&error))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken(&error))?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(|error| broken(&error))?.into_owned();
        let path = inside(Path::new(&name))?;
        let (length, is_file) = (entry.size(), !entry.is_symlink());
        collector.offer(&path, || contents(&path, &mut entry, length, is_file))?;
    }
    Ok(())
}

/// The path, when it leads into the archive's folder.
fn inside(path: &Path) -> Result<PathBuf, SubmissionError> {
    let leads_out = || SubmissionError::LeadsOut {
        path: path.to_owned(),
    };
    archive::inside(path).ok_or_else(leads_out)
}

fn contents(
    path: &Path,
    entry: &mut dyn Read,
    length: u64,
    is_file: bool,
) -> Result<Vec<u8>, SubmissionError> {
    if !is_file {
        let path = path.to_owned();
        return Err(SubmissionError::File {
            path,
            source: regular_file::RegularFileError::NotRegular,
        });
    }
    let most = super::MAX_SOURCE_BYTES;
    let too_long = |len_bytes| SubmissionError::File {
        path: path.to_owned(),
        source: regular_file::RegularFileError::TooLong {
            len_bytes,
            most_bytes: most,
        },
    };
    if length > most {
        return Err(too_long(length));
    }
    // What an archive says of a file's length need not be true.
    let mut contents = Vec::new();
    let read = entry.take(most + 1).read_to_end(&mut contents);
    let len_bytes = read.map_err(|error| broken(&error))? as u64;
    if len_bytes > most {
        return Err(too_long(len_bytes));
    }
    Ok(contents)
}

fn broken(error: &dyn std::error::Error) -> SubmissionError {
    let mut reasons = printable::causes(error);
    reasons.dedup();
    SubmissionError::Archive(io::Error::other(printable::joined(&reasons, ": ")))
}
