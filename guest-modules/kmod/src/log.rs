//! Lines in the kernel's log.
#![allow(unsafe_code, reason = "hands text to the kernel")]

use core::fmt::{self, Write};

use crate::kernel;

/// Longest line; what does not fit is cut off.
const LINE_BYTES: usize = 256;

/// Writes a formatted line to the kernel's log.
#[macro_export]
macro_rules! log {
    ($($argument:tt)*) => {
        $crate::log::line(::core::format_args!($($argument)*))
    };
}

/// Writes a line to the kernel's log.
pub fn line(text: fmt::Arguments<'_>) {
    let mut line = Line::new();
    line.set(text);
    // SAFETY: the kernel only reads the text.
    unsafe { kernel::printk(line.bytes.as_ptr(), line.len) };
}

pub(crate) struct Line {
    pub(crate) bytes: [u8; LINE_BYTES],
    pub(crate) len: usize,
}

impl Line {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; LINE_BYTES],
            len: 0,
        }
    }

    pub(crate) fn set(&mut self, text: fmt::Arguments<'_>) {
        // Formatting fails only when the line is full, and then what fits is there.
        let _ = self.write_fmt(text);
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.len).ok_or(fmt::Error)? = byte;
            self.len += 1;
        }
        Ok(())
    }
}
