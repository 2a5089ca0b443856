//! Read-only files in memory: what the loader put there is there as long as the guest runs.
//!
//! The archive of programs is the guest's page cache, and nobody may write to its files. What it must hold is read from the
//! archive itself, on the host.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};

use abi::PAGE_SIZE;
use cpio::newc;

use super::{Finding, Rule};
use crate::address::FrameNumber;
use crate::inspect::memory::FrameBytes;
use crate::inspect::{FrameSet, PhysicalMemory};
use crate::report::excerpt;

/// What the frames of the archive must hold.
#[derive(Debug)]
pub(super) struct PageCache {
    key: RandomState,
    frames: Range<FrameNumber>,
    /// One a frame.
    hashes: Vec<u64>,
    /// Name of each file and where in the archive its contents are, in bytes.
    files: Vec<(String, Range<u64>)>,
    path: PathBuf,
}

impl PageCache {
    /// The archive that was loaded from `path` into `frames`.
    pub(super) fn of(path: &Path, frames: Range<FrameNumber>) -> Option<PageCache> {
        let archive = fs::read(path).ok()?;
        let key = RandomState::new();
        let hashes = pages(&archive)
            .map(|page| key.hash_one(page.0.as_slice()))
            .collect();
        Some(PageCache {
            key,
            frames,
            hashes,
            files: files(archive),
            path: path.to_owned(),
        })
    }

    /// Frames of the archive, among those that were written, that hold something else. `name` names frames.
    pub(super) fn check(
        &self,
        written: &FrameSet,
        memory: PhysicalMemory<'_>,
        mut name: impl FnMut(FrameNumber) -> String,
    ) -> Vec<Finding> {
        let mut bytes = FrameBytes::zeroed();
        let mut findings = Vec::new();
        for frame in written.iter().filter(|frame| self.frames.contains(frame)) {
            let index = frame.0 - self.frames.start.0;
            let hash = usize::try_from(index)
                .ok()
                .and_then(|index| self.hashes.get(index));
            let holds = memory
                .copy_frame(frame, &mut bytes)
                .map(|()| self.key.hash_one(bytes.0.as_slice()));
            if holds.is_ok_and(|holds| Some(&holds) == hash) {
                continue;
            }
            let wanted = self.page(index);
            findings.push(Finding::new(
                Rule::PageCache,
                format!("{}, {}", self.place(index * PAGE_SIZE), name(frame)),
                excerpt(&wanted.0, &bytes.0),
                excerpt(&bytes.0, &wanted.0),
            ));
        }
        findings
    }

    /// A page of the archive as it is on the host; zeros when it cannot be read any more.
    fn page(&self, index: u64) -> FrameBytes {
        let archive = fs::read(&self.path).unwrap_or_default();
        let index = usize::try_from(index).expect("the archive fits in memory");
        pages(&archive).nth(index).unwrap_or_else(FrameBytes::zeroed)
    }

    /// The file in which an offset of the archive lies, and the page of it.
    fn place(&self, offset: u64) -> String {
        let file = self.files.iter().find(|(_, contents)| contents.contains(&offset));
        match file {
            Some((name, contents)) => format!("file {name}+{}p", (offset - contents.start) / PAGE_SIZE),
            None => format!("the archive of programs+{}p", offset / PAGE_SIZE),
        }
    }
}

/// The pages of an archive, the last one filled up with zeros as it is in memory.
fn pages(archive: &[u8]) -> impl Iterator<Item = FrameBytes> {
    archive.chunks(PAGE_SIZE as usize).map(|chunk| {
        let mut page = FrameBytes::zeroed();
        page.0[..chunk.len()].copy_from_slice(chunk);
        page
    })
}

/// Where the contents of each file lie; what cannot be read as an archive has none.
fn files(archive: Vec<u8>) -> Vec<(String, Range<u64>)> {
    let mut rest = Cursor::new(archive);
    let mut files = Vec::new();
    loop {
        let Ok(mut reader) = newc::Reader::new(rest) else {
            return files;
        };
        if reader.entry().is_trailer() {
            return files;
        }
        let name = reader.entry().name().to_owned();
        let Ok(start) = reader.offset() else { return files };
        files.push((name, start..start + u64::from(reader.entry().file_size())));
        let Ok(after) = reader.finish() else { return files };
        rest = after;
    }
}
