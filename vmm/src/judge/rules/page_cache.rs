//! Read-only files in memory: what the loader put there is there as long as the guest runs.
//!
//! The archive of programs is the guest's page cache, and nobody may write to its files. What it must hold is read from the
//! archive itself, on the host: once, page by page, and of each page a hash is kept. A page that holds something else is read again.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use abi::PAGE_SIZE;

use super::{StandingRule, View, told};
use crate::address::FrameNumber;
use crate::archive;
use crate::finding::{Finding, excerpt};
use crate::inspect::memory::FrameBytes;
use crate::inspect::{Findings, FrameSet, PhysicalMemory};
use crate::judge::scene::Scene;
use crate::printable::Printable;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::{DirtyCursor, VmError};

/// The archive, and which of its frames are to be looked at again.
#[derive(Debug, Default)]
pub(super) struct PageCacheRule {
    page_cache: State,
    since: DirtyCursor,
    /// Before anything was looked at, everything is to be.
    is_new: bool,
}

/// What is known of the archive.
#[derive(Debug, Default)]
enum State {
    /// The guest has not come to its first program.
    #[default]
    NotBegun,
    Known(PageCache),
    Unreadable,
}

impl StandingRule for PageCacheRule {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[(Rule::PageCache, Promise::PageCache)]
    }

    fn begin(&mut self, scene: &mut Scene<'_>) -> Result<(), VmError> {
        let (archive, frames) = scene.stop.initrd();
        self.page_cache = PageCache::of(archive, frames).map_or(State::Unreadable, State::Known);
        self.is_new = true;
        Ok(())
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let page_cache = match &self.page_cache {
            State::NotBegun => return Ok(Vec::new()),
            State::Known(page_cache) => page_cache,
            State::Unreadable => {
                let expected = "an archive of programs that can be read";
                return Ok(vec![Finding::missing("the page cache", expected, "none")]);
            }
        };
        let mut written = view.scene.stop.written_since(&mut self.since)?;
        if std::mem::take(&mut self.is_new) {
            written.insert_range(page_cache.frames.clone());
        }
        let memory = view.scene.memory();
        let found = page_cache.check(&written, memory, |frame| view.names.frame(frame));
        Ok(told(&found, Rule::PageCache, "the page cache", Finding::clone))
    }
}

/// What the frames of the archive must hold.
#[derive(Debug)]
struct PageCache {
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
    fn of(archive: &File, frames: Range<FrameNumber>) -> Option<PageCache> {
        let archive = archive.try_clone().ok()?;
        let key = RandomState::new();
        let hashes = (0..frames.end.0 - frames.start.0)
            .map(|index| Some(key.hash_one(page(&archive, index)?.0.as_slice())))
            .collect::<Option<_>>()?;
        Some(PageCache {
            key,
            frames,
            hashes,
            files: archive::files(&archive)
                .map(|(name, contents)| (Printable::name(&name), contents))
                .collect(),
            archive,
        })
    }

    /// Frames of the archive, among those that were written, that hold something else. `name` names frames.
    fn check(
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
