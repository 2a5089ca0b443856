//! The code of programs, as their files have it: what must be mapped where a program runs.

use std::collections::BTreeMap;
use std::io::{self, Cursor};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use abi::PAGE_SIZE;
use cpio::newc;
use object::elf::PF_X;
use object::read::elf::{ElfFile64, ProgramHeader};
use object::{LittleEndian, Object};

use crate::address::VirtAddr;
use crate::inspect::PhysicalMemory;
use crate::inspect::memory::FrameBytes;
use crate::inspect::walk::{self, Root};

/// The archive of programs cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the archive of programs {path}")]
pub struct TextError {
    /// The archive.
    path: PathBuf,
    /// Why not.
    source: io::Error,
}

/// The code of each program of an archive that is one, by its name.
#[derive(Clone, Debug, Default)]
pub struct ProgramTexts(BTreeMap<String, ProgramText>);

/// The code of one program: a static ELF file that is not relocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramText {
    entry: VirtAddr,
    /// First address and bytes of each executable segment.
    segments: Vec<(VirtAddr, Vec<u8>)>,
}

impl ProgramTexts {
    /// Reads the programs of the newc archive at `path`. Files that are no programs of the guest's kind are left out.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub fn read(path: &Path) -> Result<ProgramTexts, TextError> {
        let archive = fs::read(path).map_err(|source| TextError {
            path: path.to_owned(),
            source,
        })?;
        let texts = files(&archive).filter_map(|(name, range)| {
            let text = ProgramText::of(archive.get(range)?)?;
            Some((name, text))
        });
        Ok(ProgramTexts(texts.collect()))
    }

    /// The code of `program`.
    #[must_use]
    pub fn get(&self, program: &str) -> Option<&ProgramText> {
        self.0.get(program)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProgramText)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text))
    }
}

impl ProgramText {
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
            entry: VirtAddr(elf.entry()),
            segments: segments.collect(),
        })
    }

    /// Where the program begins.
    #[must_use]
    pub fn entry(&self) -> VirtAddr {
        self.entry
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

fn to_usize(number: u64) -> usize {
    usize::try_from(number).expect("a 64-bit host")
}

/// Name of each file of a newc archive, and where its contents are; what cannot be read as an archive has none.
fn files(archive: &[u8]) -> impl Iterator<Item = (String, Range<usize>)> {
    let mut rest = Some(Cursor::new(archive));
    iter::from_fn(move || {
        let mut reader = newc::Reader::new(rest.take()?).ok()?;
        if reader.entry().is_trailer() {
            return None;
        }
        let name = reader.entry().name().to_owned();
        let len_bytes = reader.entry().file_size() as usize;
        let start = usize::try_from(reader.offset().ok()?).ok()?;
        rest = reader.finish().ok();
        Some((name, start..start.checked_add(len_bytes)?))
    })
}
