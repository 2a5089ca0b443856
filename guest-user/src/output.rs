//! Text to the standard streams.
//!
//! Text is gathered on the stack and leaves in one `write`, so that lines of several processes do not mix and a line
//! costs one system call.

use core::fmt::{self, Write};

use crate::syscall::file;

/// File descriptor of standard output.
pub const STANDARD_OUTPUT: i32 = 1;
/// File descriptor of standard error.
pub const STANDARD_ERROR: i32 = 2;

/// Longest text that leaves in one piece.
const BUFFER_BYTES: usize = 256;

/// Prints to standard output.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {
        $crate::output::write_text($crate::output::STANDARD_OUTPUT, ::core::format_args!($($argument)*))
    };
}

/// Prints to standard output, with a newline.
#[macro_export]
macro_rules! println {
    ($format:literal $($argument:tt)*) => {
        $crate::print!("{}\n", ::core::format_args!($format $($argument)*))
    };
}

/// Prints to standard error, with a newline.
#[macro_export]
macro_rules! eprintln {
    ($format:literal $($argument:tt)*) => {
        $crate::output::write_text(
            $crate::output::STANDARD_ERROR,
            ::core::format_args!("{}\n", ::core::format_args!($format $($argument)*)),
        )
    };
}

/// Writes formatted text to `fd`. A stream that does not take it is ignored: there is nobody left to tell.
pub fn write_text(fd: i32, text: fmt::Arguments<'_>) {
    let mut buffer = Buffer {
        fd,
        bytes: [0; BUFFER_BYTES],
        len: 0,
    };
    // Buffer never reports an error.
    let _ = buffer.write_fmt(text);
    buffer.flush();
}

struct Buffer {
    fd: i32,
    bytes: [u8; BUFFER_BYTES],
    len: usize,
}

impl Buffer {
    fn flush(&mut self) {
        let mut rest = &self.bytes[..self.len];
        while !rest.is_empty() {
            match file::write(self.fd, rest) {
                Ok(written) if written > 0 => rest = &rest[written..],
                _ => break,
            }
        }
        self.len = 0;
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len == self.bytes.len() {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}
