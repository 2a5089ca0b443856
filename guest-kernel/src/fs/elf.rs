//! ELF executables, as far as the kernel loads them: 64-bit x86-64, statically linked at fixed addresses.

use alloc::vec::Vec;

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

use crate::elf::{HEADER_BYTES, is_header_of, is_part, u16_at, u32_at, u64_at};

const PROGRAM_HEADER_BYTES: usize = 56;
/// Most that is read, as on Linux.
const MAX_PROGRAM_HEADERS_BYTES: usize = 64 << 10;
const TYPE_EXECUTABLE: u16 = 2;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;
const FLAG_EXECUTE: u32 = 1;
const FLAG_WRITE: u32 = 2;
const FLAG_READ: u32 = 4;

/// The file is not one that the kernel can load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ElfError {
    /// The identification or the type is another.
    NotAnExecutable,
    /// Program headers or a segment's contents lie outside the file.
    CutOff,
    /// More than the kernel reads.
    TooManyHeaders,
    /// It wants a dynamic linker.
    NeedsInterpreter,
    /// A segment is larger in the file than in memory, or its page offsets differ, or its addresses wrap.
    BadSegment,
    /// There is no room for its headers.
    OutOfMemory,
}

/// A part of the file that becomes memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) address: u64,
    pub(crate) memory_bytes: u64,
    /// Where in the file its contents start.
    pub(crate) offset: u64,
    pub(crate) file_bytes: u64,
    /// `PROT_*` bits.
    pub(crate) protection: u64,
}

/// An executable's headers, checked. A copy: the file may change.
#[derive(Debug)]
pub(crate) struct Executable {
    pub(crate) entry: u64,
    program_headers: Vec<u8>,
    program_headers_offset: u64,
}

impl Executable {
    /// Of a file of that length. `read` copies what is at an offset, and is only asked for bytes that are in the file.
    pub(crate) fn parse(file_bytes: u64, read: impl Fn(u64, &mut [u8])) -> Result<Self, ElfError> {
        let mut header = [0; HEADER_BYTES];
        if file_bytes < header.len() as u64 {
            return Err(ElfError::NotAnExecutable);
        }
        read(0, &mut header);
        let is_executable = is_header_of(&header, TYPE_EXECUTABLE)
            && usize::from(u16_at(&header, 54)) == PROGRAM_HEADER_BYTES;
        if !is_executable {
            return Err(ElfError::NotAnExecutable);
        }
        let program_headers_offset = u64_at(&header, 32);
        let bytes = usize::from(u16_at(&header, 56)) * PROGRAM_HEADER_BYTES;
        if !is_part(file_bytes, program_headers_offset, bytes as u64) {
            return Err(ElfError::CutOff);
        }
        if bytes > MAX_PROGRAM_HEADERS_BYTES {
            return Err(ElfError::TooManyHeaders);
        }
        let mut program_headers = Vec::new();
        program_headers
            .try_reserve_exact(bytes)
            .map_err(|_| ElfError::OutOfMemory)?;
        program_headers.resize(bytes, 0);
        read(program_headers_offset, &mut program_headers);
        let executable = Self {
            entry: u64_at(&header, 24),
            program_headers,
            program_headers_offset,
        };
        executable.check(file_bytes)?;
        Ok(executable)
    }

    fn check(&self, file_bytes: u64) -> Result<(), ElfError> {
        if self.headers().any(|header| u32_at(header, 0) == PT_INTERP) {
            return Err(ElfError::NeedsInterpreter);
        }
        for segment in self.segments() {
            if !is_part(file_bytes, segment.offset, segment.file_bytes) {
                return Err(ElfError::CutOff);
            }
            let end = segment.address.checked_add(segment.memory_bytes);
            if end.is_none()
                || segment.file_bytes > segment.memory_bytes
                || segment.address % PAGE_SIZE != segment.offset % PAGE_SIZE
            {
                return Err(ElfError::BadSegment);
            }
        }
        Ok(())
    }

    /// What is to be loaded, in the order of the headers.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment> {
        self.headers()
            .filter(|header| u32_at(header, 0) == PT_LOAD)
            .map(|header| Segment {
                address: u64_at(header, 16),
                memory_bytes: u64_at(header, 40),
                offset: u64_at(header, 8),
                file_bytes: u64_at(header, 32),
                protection: protection_of(u32_at(header, 4)),
            })
    }

    /// Number of program headers.
    pub(crate) fn program_header_count(&self) -> u64 {
        (self.program_headers.len() / PROGRAM_HEADER_BYTES) as u64
    }

    /// Where a program finds its own program headers, if a segment holds them.
    pub(crate) fn program_headers_address(&self) -> Option<u64> {
        let at = self.program_headers_offset;
        let segment = self
            .segments()
            .find(|part| part.offset <= at && at < part.offset + part.file_bytes)?;
        Some(segment.address + (at - segment.offset))
    }

    fn headers(&self) -> impl Iterator<Item = &[u8]> {
        self.program_headers.chunks_exact(PROGRAM_HEADER_BYTES)
    }
}

/// Bytes of a program header, for the auxiliary vector.
pub(crate) const PROGRAM_HEADER_ENTRY_BYTES: u64 = PROGRAM_HEADER_BYTES as u64;

fn protection_of(flags: u32) -> u64 {
    [
        (FLAG_READ, PROT_READ),
        (FLAG_WRITE, PROT_WRITE),
        (FLAG_EXECUTE, PROT_EXEC),
    ]
    .into_iter()
    .filter(|(flag, _)| flags & flag != 0)
    .fold(0, |protection, (_, bit)| protection | bit)
}

#[cfg(test)]
mod tests {
    use super::{ElfError, Executable, PROT_EXEC, PROT_READ, Segment};
    use crate::elf::IDENTIFICATION;

    /// An executable with one segment: readable, executable, 0x40 bytes at offset 0x1000, 0x80 in memory.
    fn executable() -> Vec<u8> {
        let mut file = vec![0; 0x1040];
        file[..7].copy_from_slice(&IDENTIFICATION);
        put(&mut file, 16, &2_u16.to_le_bytes());
        put(&mut file, 18, &62_u16.to_le_bytes());
        put(&mut file, 24, &0x40_1000_u64.to_le_bytes());
        put(&mut file, 32, &64_u64.to_le_bytes());
        put(&mut file, 54, &56_u16.to_le_bytes());
        put(&mut file, 56, &1_u16.to_le_bytes());
        put(&mut file, 64, &1_u32.to_le_bytes());
        put(&mut file, 68, &5_u32.to_le_bytes());
        put(&mut file, 72, &0x1000_u64.to_le_bytes());
        put(&mut file, 80, &0x40_1000_u64.to_le_bytes());
        put(&mut file, 96, &0x40_u64.to_le_bytes());
        put(&mut file, 104, &0x80_u64.to_le_bytes());
        file
    }

    fn parse(file: &[u8]) -> Result<Executable, ElfError> {
        Executable::parse(file.len() as u64, |offset, into| {
            into.copy_from_slice(&file[offset as usize..][..into.len()]);
        })
    }

    fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
        file[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn error_after(at: usize, bytes: &[u8]) -> Option<ElfError> {
        let mut file = executable();
        put(&mut file, at, bytes);
        parse(&file).err()
    }

    #[test]
    fn segments_say_what_is_to_be_loaded() {
        let file = executable();
        let parsed = parse(&file).unwrap();
        let segment = Segment {
            address: 0x40_1000,
            memory_bytes: 0x80,
            offset: 0x1000,
            file_bytes: 0x40,
            protection: PROT_READ | PROT_EXEC,
        };
        assert_eq!(parsed.segments().collect::<Vec<_>>(), [segment]);
        assert_eq!(parsed.entry, 0x40_1000);
        assert_eq!(parsed.program_headers_address(), None);
    }

    #[test]
    fn other_formats_types_and_machines_are_refused() {
        assert_eq!(error_after(0, b"#!/bin/sh"), Some(ElfError::NotAnExecutable));
        assert_eq!(error_after(16, &[3]), Some(ElfError::NotAnExecutable));
        assert_eq!(error_after(18, &[40]), Some(ElfError::NotAnExecutable));
        assert_eq!(parse(b"").err(), Some(ElfError::NotAnExecutable));
    }

    #[test]
    fn segments_outside_the_file_or_with_impossible_sizes_are_refused() {
        assert_eq!(error_after(96, &0x41_u64.to_le_bytes()), Some(ElfError::CutOff));
        assert_eq!(
            error_after(104, &0x3f_u64.to_le_bytes()),
            Some(ElfError::BadSegment)
        );
        assert_eq!(
            error_after(104, &u64::MAX.to_le_bytes()),
            Some(ElfError::BadSegment)
        );
        assert_eq!(
            error_after(80, &0x40_1001_u64.to_le_bytes()),
            Some(ElfError::BadSegment)
        );
        assert_eq!(error_after(32, &u64::MAX.to_le_bytes()), Some(ElfError::CutOff));
    }

    #[test]
    fn more_program_headers_than_linux_reads_are_refused() {
        let mut file = executable();
        file.resize(64 + 56 * 1200, 0);
        put(&mut file, 56, &1200_u16.to_le_bytes());
        assert_eq!(parse(&file).err(), Some(ElfError::TooManyHeaders));
        put(&mut file, 56, &1100_u16.to_le_bytes());
        assert!(parse(&file).is_ok());
    }

    #[test]
    fn programs_that_want_a_dynamic_linker_are_refused() {
        assert_eq!(error_after(64, &[3]), Some(ElfError::NeedsInterpreter));
    }
}
