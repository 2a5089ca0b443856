//! Requests for memory that fail inside the kernel, one at a time: `/proc/self/fail-nth`.

use core::fmt::{self, Write};

use abi::linux::syscall::O_RDWR;

use crate::syscall::{Errno, file};

/// Longest text: a number of 32 bits and a newline.
const MAX_TEXT_BYTES: usize = 11;

/// The file, open. It is about whoever uses it: a child has a countdown of its own, which stands still at first.
#[derive(Clone, Copy, Debug)]
pub struct FailNth {
    fd: i32,
}

impl FailNth {
    /// ENOENT for a kernel that cannot do this.
    pub fn open() -> Result<Self, Errno> {
        let fd = file::open(c"/proc/self/fail-nth", O_RDWR)?;
        Ok(Self { fd })
    }

    /// Has the `nth` request of this process from now on fail, none for 0.
    pub fn set(self, nth: u32) -> Result<(), Errno> {
        let mut text = Text {
            bytes: [0; MAX_TEXT_BYTES],
            len: 0,
        };
        write!(text, "{nth}").expect("a number has at most 10 digits");
        file::write_at(self.fd, &text.bytes[..text.len], 0).map(drop)
    }

    /// How many requests there are to the one that fails; 0 when it has failed.
    pub fn left(self) -> Result<u32, Errno> {
        let mut text = [0; MAX_TEXT_BYTES];
        let len = file::read_at(self.fd, &mut text, 0)?;
        let digits = text[..len].iter().take_while(|byte| byte.is_ascii_digit());
        Ok(digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// Closes the file. The countdown goes on.
    pub fn close(self) -> Result<(), Errno> {
        file::close(self.fd)
    }
}

struct Text {
    bytes: [u8; MAX_TEXT_BYTES],
    len: usize,
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let place = self.bytes.get_mut(self.len..self.len + text.len());
        place.ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len += text.len();
        Ok(())
    }
}
