//! Names of frames: letters, in the order in which they are asked for.

use core::fmt;

use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::Span;

/// Most frames that get names of their own: 26 of one letter, and all of two.
const MAX_NAMES: u64 = LETTERS + LETTERS * LETTERS;
const LETTERS: u64 = 26;
const WORD_BYTES: u64 = 8;

/// The frames that have names, in the order of these.
pub(crate) struct Names {
    frames: Span,
    count: u64,
}

/// A frame's place in the order.
#[derive(Clone, Copy)]
pub(crate) struct Name(u64);

impl Names {
    pub(crate) fn none() -> Self {
        let frames = Span::map(MAX_NAMES * WORD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
        Self { frames, count: 0 }
    }

    /// The frame's name, a new one if it has none.
    pub(crate) fn of(&mut self, frame: u64) -> Name {
        let known = (0..self.count).find(|index| self.frames.load_u64(index * WORD_BYTES) == frame);
        if let Some(index) = known {
            return Name(index);
        }
        if self.count < MAX_NAMES {
            self.frames.store_u64(self.count * WORD_BYTES, frame);
            self.count += 1;
            Name(self.count - 1)
        } else {
            Name(MAX_NAMES)
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |index: u64| char::from(b'A' + (index % LETTERS) as u8);
        match self.0 {
            MAX_NAMES.. => formatter.write_str("??"),
            LETTERS.. => {
                let index = self.0 - LETTERS;
                write!(formatter, "{}{}", letter(index / LETTERS), letter(index))
            }
            index => write!(formatter, "{}", letter(index)),
        }
    }
}
