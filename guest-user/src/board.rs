//! Words that a process shares with its descendants: how they tell each other what happened, so that one of them can
//! print it all in an order that no scheduler decides.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};

use crate::Span;
use crate::syscall::process;

const WORD_BYTES: u64 = 8;

/// A page of shared words, all 0 at first.
#[derive(Clone, Copy, Debug)]
pub struct Board(Span);

impl Board {
    /// A new board, for this process and those that it forks from now on.
    #[must_use]
    pub fn new() -> Self {
        Self(Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED).expect("mmap of shared memory"))
    }

    /// Stores a word.
    pub fn post(self, index: u64, word: u64) {
        self.0.store_u64(index * WORD_BYTES, word);
    }

    /// Loads a word.
    #[must_use]
    pub fn read(self, index: u64) -> u64 {
        self.0.load_u64(index * WORD_BYTES)
    }

    /// Yields until the word is there.
    pub fn wait_for(self, index: u64, word: u64) {
        while self.read(index) != word {
            process::sched_yield();
        }
    }

    /// Yields until there is a word other than 0, and gives it.
    #[must_use]
    pub fn wait_for_any(self, index: u64) -> u64 {
        loop {
            match self.read(index) {
                0 => process::sched_yield(),
                word => return word,
            }
        }
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}
