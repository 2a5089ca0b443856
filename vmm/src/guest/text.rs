//! The code of programs, as their files have it: what must be mapped where a program runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use abi::PAGE_SIZE;
use object::LittleEndian;
use object::elf::PF_X;
use object::read::elf::{ElfFile64, ProgramHeader};

use crate::address::VirtAddr;
use crate::archive;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{self, Root};
use crate::regular_file::{self, Links, RegularFileError};

/// Longest program whose code is read, in bytes.
const MAX_PROGRAM_BYTES: u64 = 16 << 20;

/// The archive of programs cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the archive of programs {path}")]
pub struct TextError {
    /// The archive.
    path: PathBuf,
    /// Why not.
    source: RegularFileError,
}

/// The code of one program: a static ELF file that is not relocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramText {
    /// First address and bytes of each executable segment.
    segments: Vec<(VirtAddr, Vec<u8>)>,
}

impl ProgramText {
    /// The code of `program` in the newc archive at `path`; None when no such file is a program of the guest's kind.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn read(path: &Path, program: &str) -> Result<Option<ProgramText>, TextError> {
        Ok(Self::read_all(path, &BTreeSet::from([program]))?.remove(program))
    }

    /// The code of each of these programs in the archive, by name; without those that are no programs of the guest's kind.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn read_all(
        path: &Path,
        programs: &BTreeSet<&str>,
    ) -> Result<BTreeMap<String, ProgramText>, TextError> {
        let opened = regular_file::open(path, Links::Refused, u64::MAX);
        let (archive, _) = opened.map_err(|source| TextError {
            path: path.to_owned(),
            source,
        })?;
        let of_programs = archive::files(&archive).filter(|(name, _)| programs.contains(name.as_str()));
        let texts = of_programs
            .filter_map(|(name, range)| Some((name, ProgramText::of(&contents(&archive, &range)?)?)));
        Ok(texts.collect())
    }

    fn of(file: &[u8]) -> Option<ProgramText> {
        let elf = ElfFile64::<LittleEndian>::parse(file).ok()?;
        let endian = LittleEndian;
        let executable = elf
            .elf_program_headers()
            .iter()
            .filter(|header| header.p_flags(endian).contains(PF_X));
        let segments = executable.filter_map(|header| {
            let bytes = header.data(endian, file).ok()?;
            Some((VirtAddr(header.p_vaddr(endian)), bytes.to_vec()))
        });
        Some(ProgramText {
            segments: segments.collect(),
        })
    }

    /// A page at which these page tables have the program's code; None when there is none.
    #[must_use]
    pub fn mapped_page(&self, memory: PhysicalMemory<'_>, root: Root) -> Option<VirtAddr> {
        let pages = self.segments.iter().flat_map(|(start, bytes)| {
            let end = start.0.saturating_add(bytes.len() as u64);
            let later = start.page_start().0.saturating_add(PAGE_SIZE);
            let rest = (later..end).step_by(to_usize(PAGE_SIZE)).map(VirtAddr);
            std::iter::once(*start).chain(rest)
        });
        pages
            .into_iter()
            .find(|page| self.is_mapped_at(*page, memory, root))
    }

    /// Whether `address` lies in the program's code, and the page at it, as these page tables have it, holds that code.
    #[must_use]
    pub fn is_mapped_at(&self, address: VirtAddr, memory: PhysicalMemory<'_>, root: Root) -> bool {
        let Some((start, bytes)) = self.segments.iter().find(|(start, bytes)| {
            let offset = address.0.checked_sub(start.0);
            offset.is_some_and(|offset| offset < bytes.len() as u64)
        }) else {
            return false;
        };
        let page = address.page_start();
        let Ok(found) = walk::translate(memory, root, page) else {
            return false;
        };
        let mut is = FrameBytes::zeroed();
        if !found.permissions.user
            || !found.permissions.executable
            || memory.copy_frame(found.frame(), &mut is).is_err()
        {
            return false;
        }
        // The part of the page that the segment covers; the file says nothing of the rest.
        let first = page.0.max(start.0);
        let end = (page.0 + PAGE_SIZE).min(start.0 + bytes.len() as u64);
        let in_page = to_usize(first - page.0)..to_usize(end - page.0);
        let in_file = to_usize(first - start.0)..to_usize(end - start.0);
        is.0.get(in_page) == bytes.get(in_file)
    }
}

/// What the archive has there, unless it is more than a program has.
fn contents(archive: &File, range: &Range<u64>) -> Option<Vec<u8>> {
    let len_bytes = range.end.checked_sub(range.start)?;
    if len_bytes > MAX_PROGRAM_BYTES {
        return None;
    }
    let mut contents = vec![0; to_usize(len_bytes)];
    archive.read_exact_at(&mut contents, range.start).ok()?;
    Some(contents)
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).expect("a 64-bit host")
}
