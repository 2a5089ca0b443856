//! Requests for memory that fail inside the kernel, one at a time: `/proc/self/fail-nth`.

use abi::linux::syscall::O_RDWR;

use crate::Text;
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
        let text = Text::<MAX_TEXT_BYTES>::of(nth);
        file::write_at(self.fd, text.as_bytes(), 0).map(drop)
    }

    /// Runs `f` with its `nth` request failing, and says whether it got as far as that.
    ///
    /// # Panics
    ///
    /// When the file cannot be written or read.
    pub fn during<R>(self, nth: u32, f: impl FnOnce() -> R) -> (R, bool) {
        self.set(nth).expect("write to fail-nth");
        let result = f();
        let has_failed = self.left().expect("read of fail-nth") == 0;
        self.set(0).expect("write to fail-nth");
        (result, has_failed)
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
