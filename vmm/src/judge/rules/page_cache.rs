//! Read-only files in memory: what the loader put there is there as long as the guest runs.
//!
//! The archive of programs is the guest's page cache, and nobody may write to its files. What it must hold is read from the
//! archive itself, on the host.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::path::{Path, PathBuf};

use abi::PAGE_SIZE;

use super::{StandingRule, View};
use crate::address::FrameNumber;
use crate::archive;
use crate::finding::{Finding, excerpt};
use crate::inspect::memory::FrameBytes;
use crate::inspect::{FrameSet, PhysicalMemory};
use crate::judge::scene::Scene;
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
        Ok(page_cache.check(&written, memory, |frame| view.names.frame(frame)))
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
    files: Vec<(String, Range<u64>)>,
    path: PathBuf,
}

impl PageCache {
    /// The archive that was loaded from `path` into `frames`.
    fn of(path: &Path, frames: Range<FrameNumber>) -> Option<PageCache> {
        let archive = fs::read(path).ok()?;
        let key = RandomState::new();
        let hashes = pages(&archive)
            .map(|page| key.hash_one(page.0.as_slice()))
            .collect();
        Some(PageCache {
            key,
            frames,
            hashes,
            files: archive::files(&archive)
                .map(|(name, contents)| (name, contents.start as u64..contents.end as u64))
                .collect(),
            path: path.to_owned(),
        })
    }

    /// Frames of the archive, among those that were written, that hold something else. `name` names frames.
    fn check(
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
