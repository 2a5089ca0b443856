//! The name of a module.

use core::fmt;

use abi::module::NAME_BYTES;

/// Letters, digits, hyphens and underscores: at least one, and short enough for a NUL behind them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    bytes: [u8; NAME_BYTES],
    len: usize,
}

impl Name {
    pub(crate) fn new(text: &[u8]) -> Option<Self> {
        let is_legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.is_empty() || text.len() >= NAME_BYTES || !text.iter().all(is_legal) {
            return None;
        }
        let mut bytes = [0; NAME_BYTES];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self {
            bytes,
            len: text.len(),
        })
    }

    /// Its first 16 bytes in two numbers, little endian, with NULs behind a shorter name.
    pub(crate) fn in_words(self) -> [u64; 2] {
        let word = |start: usize| {
            self.bytes[start..start + 8]
                .iter()
                .rev()
                .fold(0, |word, byte| word << 8 | u64::from(*byte))
        };
        [word(0), word(8)]
    }

    /// As it stands in a module's description: up to the first NUL, which there must be.
    pub(super) fn from_field(field: &[u8]) -> Option<Self> {
        let end = field.iter().position(|byte| *byte == 0)?;
        Self::new(&field[..end])
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes[..self.len].escape_ascii())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES, Name};

    #[test]
    fn a_name_ends_at_its_first_nul_and_must_have_one() {
        assert_eq!(Name::from_field(b"hello\0x"), Name::new(b"hello"));
        assert_eq!(Name::from_field(b"hello"), None);
        assert_eq!(Name::from_field(&[0; NAME_BYTES]), None);
    }

    #[test]
    fn names_that_would_not_fit_into_a_line_or_the_field_are_none() {
        for wrong in [&b""[..], b"two words", b"line\n", b"a/b", &[b'x'; NAME_BYTES]] {
            assert_eq!(Name::new(wrong), None);
        }
        assert!(Name::new(&[b'x'; NAME_BYTES - 1]).is_some());
    }
}
