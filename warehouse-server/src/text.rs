//! What is served.

use std::io;
use std::path::{Path, PathBuf};

use abi::warehouse::PAGE_BYTES;

use crate::generate;

/// Bytes of a generated text that its last page has not: so that there is an end to see.
const MISSING_AT_END: u64 = 1096;

/// A text in pages.
#[derive(Clone, Debug)]
pub struct Text {
    source: Source,
    len_bytes: u64,
}

#[derive(Clone, Debug)]
enum Source {
    /// Each page is made when it is asked for.
    Generated,
    Read(Vec<u8>),
}

/// There is no text to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file has nothing in it.
    #[error("{} is empty: a text has at least one byte", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Not a number of pages that a text can have.
    #[error("{pages} pages are not between 1 and {}", Text::MAX_PAGES)]
    Pages {
        /// The number.
        pages: u64,
    },
}

impl Text {
    /// Most pages, which requests have 32 bits for.
    pub const MAX_PAGES: u64 = 1 << 32;

    /// A text of so many pages, the last one not quite full. It is the same wherever it is made.
    ///
    /// # Errors
    /// A text cannot have so many pages.
    pub fn generated(pages: u64) -> Result<Self, TextError> {
        check(pages)?;
        Ok(Self {
            source: Source::Generated,
            len_bytes: pages * PAGE_BYTES as u64 - MISSING_AT_END,
        })
    }

    /// A file, or its first pages.
    ///
    /// # Errors
    /// It cannot be read, or there is nothing in it.
    pub fn read(path: &Path, most_pages: Option<u64>) -> Result<Self, TextError> {
        most_pages.map_or(Ok(()), check)?;
        let mut bytes = std::fs::read(path).map_err(|source| TextError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        if bytes.is_empty() {
            return Err(TextError::Empty {
                path: path.to_owned(),
            });
        }
        let most_bytes = most_pages.unwrap_or(Self::MAX_PAGES) * PAGE_BYTES as u64;
        bytes.truncate(usize::try_from(most_bytes).unwrap_or(usize::MAX));
        Ok(Self {
            len_bytes: bytes.len() as u64,
            source: Source::Read(bytes),
        })
    }

    /// Its length.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Its pages, the last of which may not be full.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.len_bytes.div_ceil(PAGE_BYTES as u64)
    }

    /// A page, zeros behind the end of the text; None when there is no such page.
    #[must_use]
    pub fn page(&self, number: u64) -> Option<[u8; PAGE_BYTES]> {
        if number >= self.pages() {
            return None;
        }
        let start = number * PAGE_BYTES as u64;
        let len = usize::try_from(self.len_bytes - start).map_or(PAGE_BYTES, |len| len.min(PAGE_BYTES));
        let mut page = [0; PAGE_BYTES];
        match &self.source {
            Source::Generated => page[..len].copy_from_slice(&generate::page(number)[..len]),
            Source::Read(bytes) => {
                let start = usize::try_from(start).expect("it lies in the text");
                page[..len].copy_from_slice(&bytes[start..start + len]);
            }
        }
        Some(page)
    }
}

fn check(pages: u64) -> Result<(), TextError> {
    if (1..=Text::MAX_PAGES).contains(&pages) {
        Ok(())
    } else {
        Err(TextError::Pages { pages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_of_a_generated_text_is_not_full() {
        let text = Text::generated(3).unwrap();
        assert_eq!((text.pages(), text.len_bytes()), (3, 3 * 4096 - 1096));
        let last = text.page(2).unwrap();
        assert!(last[..3000].iter().all(|byte| *byte != 0));
        assert!(last[3000..].iter().all(|byte| *byte == 0));
        assert_eq!(text.page(3), None);
    }

    #[test]
    fn a_file_is_served_byte_for_byte_and_can_be_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        let bytes: Vec<u8> = (0..10_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let text = Text::read(&path, None).unwrap();
        assert_eq!((text.pages(), text.len_bytes()), (3, 10_000));
        assert_eq!(text.page(1).unwrap()[..], bytes[4096..8192]);
        assert_eq!(text.page(2).unwrap()[..1808], bytes[8192..]);
        assert_eq!(Text::read(&path, Some(1)).unwrap().len_bytes(), 4096);
    }

    #[test]
    fn texts_without_pages_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        assert!(matches!(
            Text::read(&path, None),
            Err(TextError::Unreadable { .. })
        ));
        std::fs::write(&path, "").unwrap();
        assert!(matches!(Text::read(&path, None), Err(TextError::Empty { .. })));
        for pages in [0, Text::MAX_PAGES + 1] {
            assert!(matches!(Text::generated(pages), Err(TextError::Pages { .. })));
        }
    }
}
