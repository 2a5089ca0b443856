//! Read-only files in memory: what the loader put there is there as long as the guest runs.
//!
//! The archive of programs is the guest's page cache, and nobody may write to its files. What it must hold is read from the
//! archive itself, on the host: once, page by page, and of each page a hash is kept. A page that holds something else is read again.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufReader, Seek};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use abi::PAGE_SIZE;
use cpio::newc;

use super::{Finding, Rule};
use crate::address::FrameNumber;
use crate::inspect::memory::FrameBytes;
use crate::inspect::{Findings, FrameSet, PhysicalMemory};
use crate::printable::Printable;
use crate::report::excerpt;

/// Most files of the archive that are told by their names.
const MAX_FILES: usize = 4096;
/// Where the length of its name stands in the header of a newc entry, as eight hexadecimal digits.
const NAME_LENGTH_AT: u64 = 94;
/// Longest name, with the NULs behind it; Linux skips an entry whose name is longer.
const MAX_NAME_BYTES: u32 = 4096;

/// What the frames of the archive must hold.
#[derive(Debug)]
pub(super) struct PageCache {
    key: RandomState,
    frames: Range<FrameNumber>,
    /// One a frame.
    hashes: Vec<u64>,
    /// Name of each file and where in the archive its contents are, in bytes.
    files: Vec<(Printable, Range<u64>)>,
    archive: File,
}

impl PageCache {
    /// The archive that was loaded from a file into `frames`.
    pub(super) fn of(archive: &File, frames: Range<FrameNumber>) -> Option<PageCache> {
        let archive = archive.try_clone().ok()?;
        let key = RandomState::new();
        let hashes = (0..frames.end.0 - frames.start.0)
            .map(|index| Some(key.hash_one(page(&archive, index)?.0.as_slice())))
            .collect::<Option<_>>()?;
        Some(PageCache {
            key,
            frames,
            hashes,
            files: files(&archive).unwrap_or_default(),
            archive,
        })
    }

    /// Frames of the archive, among those that were written, that hold something else. `name` names frames.
    pub(super) fn check(
        &self,
        written: &FrameSet,
        memory: PhysicalMemory<'_>,
        mut name: impl FnMut(FrameNumber) -> String,
    ) -> Findings<Finding> {
        let mut bytes = FrameBytes::zeroed();
        let mut findings = Findings::new();
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
            findings.push_with(|| {
                let wanted = page(&self.archive, index).unwrap_or_else(FrameBytes::zeroed);
                Finding::new(
                    Rule::PageCache,
                    format!("{}, {}", self.place(index * PAGE_SIZE), name(frame)),
                    excerpt(&wanted.0, &bytes.0),
                    excerpt(&bytes.0, &wanted.0),
                )
            });
        }
        findings
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

/// A page of the archive, the last one filled up with zeros as it is in memory. None when it cannot be read any more.
fn page(archive: &File, index: u64) -> Option<FrameBytes> {
    let mut page = FrameBytes::zeroed();
    let mut filled = 0;
    while filled < page.0.len() {
        let at = index * PAGE_SIZE + filled as u64;
        match archive.read_at(&mut page.0[filled..], at).ok()? {
            0 => break,
            count => filled += count,
        }
    }
    Some(page)
}

/// Where the contents of each file lie; what cannot be read as an archive has none.
fn files(archive: &File) -> Option<Vec<(Printable, Range<u64>)>> {
    let mut rest = BufReader::new(archive);
    rest.rewind().ok()?;
    let mut files = Vec::new();
    while files.len() < MAX_FILES {
        let mut digits = [0; 8];
        let header_at = rest.stream_position().ok()?;
        let is_read = archive.read_exact_at(&mut digits, header_at + NAME_LENGTH_AT);
        let digits = is_read.ok().and_then(|()| str::from_utf8(&digits).ok());
        let name_bytes = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if name_bytes.is_none_or(|name_bytes| name_bytes > MAX_NAME_BYTES) {
            break;
        }
        let Ok(mut reader) = newc::Reader::new(rest) else {
            break;
        };
        if reader.entry().is_trailer() {
            break;
        }
        let name = Printable::name(reader.entry().name());
        let Ok(start) = reader.offset() else { break };
        files.push((name, start..start + u64::from(reader.entry().file_size())));
        let Ok(after) = reader.finish() else { break };
        rest = after;
    }
    Some(files)
}
