//! Text of a bounded length: there is no heap for any other.

use core::ffi::CStr;
use core::fmt::{self, Write};

/// Text of fewer than `ROOM` bytes, with a NUL behind it.
#[derive(Clone, Copy, Debug)]
pub struct Text<const ROOM: usize> {
    bytes: [u8; ROOM],
    len: usize,
}

impl<const ROOM: usize> Text<ROOM> {
    /// What a value looks like.
    ///
    /// # Panics
    ///
    /// When that is too long.
    pub fn of(value: impl fmt::Display) -> Self {
        let mut text = Self {
            bytes: [0; ROOM],
            len: 0,
        };
        write!(text, "{value}").expect("the text has room");
        text
    }

    /// Without the NUL.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// As system calls want it.
    #[must_use]
    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).expect("the last byte stays NUL")
    }
}

impl<const ROOM: usize> Write for Text<ROOM> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        if end >= ROOM {
            return Err(fmt::Error);
        }
        self.bytes[self.len..end].copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
