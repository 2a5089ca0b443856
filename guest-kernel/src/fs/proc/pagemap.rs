//! `/proc/PID/pagemap`: for each page of a process a word that says where it is.

use abi::PAGE_SIZE;
use abi::linux::pagemap::ENTRY_BYTES;

use super::super::operations::{FileOperations, Status};
use super::super::{OpenFile, seek};
use crate::errno::Errno;
use crate::mm::{Numbers, PageRange, UserSlice, VirtAddr, layout};
use crate::mutant::{self, Mutant};
use crate::process::{self, MemoryHandle};

/// Words that are copied at a time.
const PIECE_WORDS: usize = 32;

/// Who opened it decides what it tells, whoever reads.
#[derive(Debug)]
pub(super) struct PageMap {
    memory: Result<MemoryHandle, Errno>,
    numbers: Numbers,
}

impl PageMap {
    pub(super) fn new(memory: Result<MemoryHandle, Errno>) -> Self {
        let numbers = if process::with_current(|process| process.is_superuser()) {
            Numbers::Shown
        } else {
            Numbers::Hidden
        };
        Self { memory, numbers }
    }
}

impl FileOperations for PageMap {
    fn open(&self, _: &OpenFile) -> Result<(), Errno> {
        self.memory.map(drop)
    }

    /// Whole words of pages that programs can have; behind them is the end. EFAULT when not all can be copied out, even if some were,
    /// as on Linux.
    fn read(&self, _: &OpenFile, position: &mut u64, mut to: UserSlice) -> Result<u64, Errno> {
        let Some(()) = self.memory?.with(|_| ()) else {
            return Ok(0);
        };
        if ![*position, to.len() as u64]
            .iter()
            .all(|bytes| bytes.is_multiple_of(ENTRY_BYTES))
        {
            return Err(Errno::EINVAL);
        }
        let first = *position / ENTRY_BYTES;
        let pages = (layout::TASK_END.as_u64() / PAGE_SIZE).saturating_sub(first);
        let pages = pages.min(to.len() as u64 / ENTRY_BYTES);
        let mut told = 0;
        while told < pages {
            let count = (pages - told).min(PIECE_WORDS as u64);
            let off_by = u64::from(mutant::is(Mutant::PagemapOffByOne));
            let bytes = self.words(first + told + off_by, count)?;
            process::copy_out(
                to.take_front(count * ENTRY_BYTES),
                &bytes[..(count * ENTRY_BYTES) as usize],
            )?;
            told += count;
        }
        *position += told * ENTRY_BYTES;
        Ok(told * ENTRY_BYTES)
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_addresses(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o400, 0)
    }
}

impl PageMap {
    /// The words of so many pages, from one on.
    fn words(&self, first: u64, count: u64) -> Result<[u8; PIECE_WORDS * ENTRY_BYTES as usize], Errno> {
        let mut words = [0; PIECE_WORDS];
        let page = |number: u64| VirtAddr::new(number * PAGE_SIZE);
        let range = PageRange::new(page(first), page(first + count));
        // Memory that goes while it is read has no pages.
        self.memory?
            .with(|space| space.pagemap(range, self.numbers, &mut words));
        let mut bytes = [0; PIECE_WORDS * ENTRY_BYTES as usize];
        for (into, word) in bytes.chunks_exact_mut(ENTRY_BYTES as usize).zip(words) {
            into.copy_from_slice(&word.to_le_bytes());
        }
        Ok(bytes)
    }
}
