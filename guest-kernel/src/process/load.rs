//! A program file becomes an address space.
//!
//! Whole pages of the file are mapped as they lie in the initrd. The page in which a writable segment's contents end is
//! copied, because zeros follow; so is every page of a file that does not start on a page boundary.

use alloc::vec::Vec;

use abi::PAGE_SIZE;

use super::arguments::Arguments;
use crate::errno::Errno;
use crate::fs::elf::{ElfError, Executable, PROGRAM_HEADER_ENTRY_BYTES, Segment};
use crate::mm::{
    AddressSpace, AreaFlags, Backing, CachedBytes, CachedFile, Growth, MapRequest, Placement, Protection,
    STACK_TOP, Sharing, UserSlice, VirtAddr, layout,
};

/// Entries of the auxiliary vector (`linux/auxvec.h`).
mod auxiliary {
    pub(super) const NULL: u64 = 0;
    pub(super) const PHDR: u64 = 3;
    pub(super) const PHENT: u64 = 4;
    pub(super) const PHNUM: u64 = 5;
    pub(super) const PAGESZ: u64 = 6;
    pub(super) const ENTRY: u64 = 9;
    pub(super) const SECURE: u64 = 23;
    pub(super) const RANDOM: u64 = 25;
    pub(super) const EXECFN: u64 = 31;

    /// Entries that a program gets, the last one included.
    pub(super) const COUNT: usize = 9;
}

/// Bytes that `AT_RANDOM` leads to: all zero, because every run is to be the same.
const RANDOM_BYTES: u64 = 16;

/// A loaded program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) address_space: AddressSpace,
    pub(super) entry: VirtAddr,
    pub(super) stack: VirtAddr,
}

/// Loads a program file.
pub(super) fn load(file: CachedBytes, arguments: &Arguments) -> Result<Program, Errno> {
    let executable = Executable::parse(file.len() as u64, |offset, into| {
        file.read(offset, into);
    })?;
    let mut address_space = AddressSpace::new()?;
    address_space.set_executable(file);
    let mut heap_start = layout::LOWEST;
    for segment in executable.segments().filter(|segment| segment.memory_bytes > 0) {
        heap_start = heap_start.max(load_segment(&mut address_space, file, &segment)?);
    }
    address_space.set_heap_start(heap_start);
    let stack = build_stack(&mut address_space, &executable, arguments)?;
    Ok(Program {
        address_space,
        entry: VirtAddr::new(executable.entry),
        stack,
    })
}

impl From<ElfError> for Errno {
    fn from(error: ElfError) -> Self {
        match error {
            ElfError::NotAnExecutable
            | ElfError::CutOff
            | ElfError::TooManyHeaders
            | ElfError::NeedsInterpreter
            | ElfError::BadSegment => Self::ENOEXEC,
            ElfError::OutOfMemory => Self::ENOMEM,
        }
    }
}

/// Gives the end of the segment, in whole pages.
fn load_segment(space: &mut AddressSpace, file: CachedBytes, segment: &Segment) -> Result<VirtAddr, Errno> {
    let start = VirtAddr::new(segment.address).page();
    let end = VirtAddr::new(segment.address + segment.memory_bytes);
    if start < layout::LOWEST || end > layout::MMAP_TOP {
        return Err(Errno::ENOEXEC);
    }
    let end = VirtAddr::new(end.as_u64().next_multiple_of(PAGE_SIZE));
    let contents_end = segment.address + segment.file_bytes;
    let protection = Protection::from_bits_truncated(segment.protection);

    let cached_end = match CachedFile::of(file) {
        None => start,
        Some(cached) => {
            let has_tail = protection.allows_write() || segment.memory_bytes > segment.file_bytes;
            let cached_end = if has_tail {
                VirtAddr::new(contents_end).page()
            } else {
                end
            };
            let backing = Backing::File {
                file: cached,
                first_page: (segment.offset / PAGE_SIZE) as u32,
                sharing: Sharing::Private,
            };
            map_cached(space, start, cached_end, backing, protection)?;
            cached_end.max(start)
        }
    };
    if cached_end < end {
        let copied_from = cached_end.as_u64().max(segment.address);
        let at = (segment.offset + (copied_from - segment.address)) as usize;
        let contents = file.part(at..(segment.offset + segment.file_bytes) as usize);
        map_copied(space, cached_end, end, copied_from, contents)?;
        space.protect(cached_end, end.as_u64() - cached_end.as_u64(), segment.protection)?;
    }
    Ok(end)
}

fn map_cached(
    space: &mut AddressSpace,
    start: VirtAddr,
    end: VirtAddr,
    backing: Backing,
    protection: Protection,
) -> Result<(), Errno> {
    if start >= end {
        return Ok(());
    }
    let bytes = end.as_u64() - start.as_u64();
    let request = MapRequest {
        bytes,
        protection,
        growth: Growth::Fixed,
        flags: AreaFlags::default(),
        backing,
    };
    map_without_overlap(space, start, request)
}

fn map_copied(
    space: &mut AddressSpace,
    start: VirtAddr,
    end: VirtAddr,
    contents_at: u64,
    contents: CachedBytes,
) -> Result<(), Errno> {
    let request = MapRequest {
        bytes: end.as_u64() - start.as_u64(),
        protection: Protection::READ_WRITE,
        growth: Growth::Fixed,
        flags: AreaFlags::default(),
        backing: Backing::Anonymous,
    };
    map_without_overlap(space, start, request)?;
    space
        .write_cached(UserSlice::new(contents_at, contents.len() as u64)?, contents)
        .map_err(|_| Errno::ENOMEM)
}

/// Two segments in one page cannot both have their protection.
fn map_without_overlap(space: &mut AddressSpace, start: VirtAddr, request: MapRequest) -> Result<(), Errno> {
    match space.map(Placement::FixedNoReplace(start), request) {
        Err(Errno::EEXIST) => Err(Errno::ENOEXEC),
        result => result.map(|_| ()),
    }
}

/// Puts on the stack what the System V ABI says is there at the start, and gives the stack pointer.
fn build_stack(
    space: &mut AddressSpace,
    executable: &Executable,
    arguments: &Arguments,
) -> Result<VirtAddr, Errno> {
    let strings = STACK_TOP.as_u64() - 8 - arguments.strings().len() as u64;
    let random = strings - RANDOM_BYTES;
    let words = initial_words(executable, arguments, strings, random)?;
    let pointer = (random - words.len() as u64) & !15;

    let used = STACK_TOP.as_u64() - VirtAddr::new(pointer).page().as_u64();
    let request = MapRequest {
        bytes: used + layout::STACK_START_BYTES,
        protection: Protection::READ_WRITE,
        growth: Growth::Down,
        flags: AreaFlags::default(),
        backing: Backing::Anonymous,
    };
    space.map(Placement::Fixed(STACK_TOP.minus(request.bytes)), request)?;
    for (at, bytes) in [(strings, arguments.strings()), (pointer, &words)] {
        space
            .write(UserSlice::new(at, bytes.len() as u64)?, bytes)
            .map_err(|_| Errno::ENOMEM)?;
    }
    Ok(VirtAddr::new(pointer))
}

/// Count and pointers of the arguments, pointers of the environment, auxiliary vector.
fn initial_words(
    executable: &Executable,
    arguments: &Arguments,
    strings: u64,
    random: u64,
) -> Result<Vec<u8>, Errno> {
    let mut pointers = arguments.offsets().map(|offset| strings + offset as u64);
    let strings_count = arguments.argument_count() + arguments.environment_count();
    let mut words = Words::with_room(1 + strings_count + 2 + 2 * auxiliary::COUNT)?;
    words.push(arguments.argument_count() as u64);
    for count in [arguments.argument_count(), arguments.environment_count()] {
        for pointer in pointers.by_ref().take(count) {
            words.push(pointer);
        }
        words.push(0);
    }
    let path = pointers
        .next()
        .expect("the path follows arguments and environment");
    let auxiliary: [(u64, u64); auxiliary::COUNT] = [
        (auxiliary::PHDR, executable.program_headers_address().unwrap_or(0)),
        (auxiliary::PHENT, PROGRAM_HEADER_ENTRY_BYTES),
        (auxiliary::PHNUM, executable.program_header_count()),
        (auxiliary::PAGESZ, PAGE_SIZE),
        (auxiliary::ENTRY, executable.entry),
        (auxiliary::SECURE, 0),
        (auxiliary::RANDOM, random),
        (auxiliary::EXECFN, path),
        (auxiliary::NULL, 0),
    ];
    for (kind, value) in auxiliary {
        words.push(kind);
        words.push(value);
    }
    Ok(words.0)
}

/// Words as the bytes that they are in memory.
struct Words(Vec<u8>);

impl Words {
    fn with_room(words: usize) -> Result<Self, Errno> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(8 * words).map_err(|_| Errno::ENOMEM)?;
        Ok(Self(bytes))
    }

    fn push(&mut self, word: u64) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }
}
