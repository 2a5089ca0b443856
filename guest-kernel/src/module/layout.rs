//! Which section of an object goes where.
//!
//! Code, constants and data each get whole pages, in this order, so that each can be protected as a whole. Behind the
//! constants is a word for each reference that goes by way of one: compilers reach some functions of others so
//! (`R_X86_64_GOTPCREL`), and the word is not shared, because nobody has to look for it then.

use core::ops::Range;

use alloc::vec::Vec;

use super::elf::{Object, Use};
use super::error::LoadError;
use super::relocate::needs_word;
use crate::mm::{OutOfMemory, round_up_to_page};

/// Most bytes of a module.
pub(super) const MAX_BYTES: u64 = 16 << 20;
/// Bytes of a word that a reference goes by way of.
pub(super) const WORD_BYTES: u64 = 8;

/// Where everything is, counted from the module's first byte.
#[derive(Debug)]
pub(super) struct Layout {
    /// For each section; None if it is not loaded.
    places: Vec<Option<u64>>,
    pub(super) text: Range<u64>,
    pub(super) read_only: Range<u64>,
    pub(super) data: Range<u64>,
    /// The first of the words.
    pub(super) words: u64,
}

impl Layout {
    pub(super) fn of<'a>(object: &Object<'a>) -> Result<Self, LoadError<'a>> {
        let mut places = Vec::new();
        places
            .try_reserve_exact(object.section_count())
            .map_err(|_| OutOfMemory)?;
        places.resize(object.section_count(), None);

        let text = place(object, Use::Text, 0, &mut places)?;
        let constants = place(object, Use::ReadOnly, page_after(&text), &mut places)?;
        let words = constants.end.next_multiple_of(WORD_BYTES);
        let read_only = constants.start..words + WORD_BYTES * count_words(object);
        let data = place(object, Use::Data, page_after(&read_only), &mut places)?;
        if page_after(&data) > MAX_BYTES {
            return Err(LoadError::TooLarge);
        }
        Ok(Self {
            places,
            text: text.start..page_after(&text),
            read_only: read_only.start..page_after(&read_only),
            data: data.start..page_after(&data),
            words,
        })
    }

    pub(super) fn place_of(&self, section: usize) -> Option<u64> {
        self.places.get(section).copied().flatten()
    }

    /// Bytes of the whole.
    pub(super) fn bytes(&self) -> u64 {
        self.data.end
    }
}

/// Places all sections of a use from `start` on, and gives what they take.
fn place<'a>(
    object: &Object<'a>,
    wanted: Use,
    start: u64,
    places: &mut [Option<u64>],
) -> Result<Range<u64>, LoadError<'a>> {
    let mut end = start;
    for (index, section) in object.sections() {
        if section.use_of() == Some(wanted) {
            let at = end.next_multiple_of(section.alignment);
            places[index] = Some(at);
            end = at
                .checked_add(section.bytes)
                .filter(|end| *end <= MAX_BYTES)
                .ok_or(LoadError::TooLarge)?;
        }
    }
    Ok(start..end)
}

/// At most one for each relocation in the file, so the sum stays far from wrapping.
fn count_words(object: &Object<'_>) -> u64 {
    let relocations = object.relocations().flat_map(|(_, relocations)| relocations);
    relocations.filter(needs_word).count() as u64
}

fn page_after(range: &Range<u64>) -> u64 {
    round_up_to_page(range.end).unwrap_or(u64::MAX)
}
