//! Where pages are, as `/proc/PID/pagemap` tells it.

use core::fmt;

use abi::PAGE_SIZE;
use abi::linux::pagemap::{ENTRY_BYTES, EXCLUSIVE, FILE, FRAME_MASK, PRESENT, SWAPPED};
use abi::linux::syscall::O_RDONLY;

use crate::Text;
use crate::syscall::credentials::effective_user_id;
use crate::syscall::{Errno, file};

/// What is told of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageWord(pub u64);

impl PageWord {
    /// Number of the frame that the page is in; None if it is in none, or that is not told.
    #[must_use]
    pub fn frame(self) -> Option<u64> {
        let frame = self.0 & FRAME_MASK;
        (self.has(PRESENT) && frame != 0).then_some(frame)
    }

    /// Physical address behind a virtual one in the page, for whoever may know.
    #[must_use]
    pub fn translate(self, address: u64) -> u64 {
        (self.0 & FRAME_MASK) * PAGE_SIZE + address % PAGE_SIZE
    }

    /// Whether both pages are in one frame. Where numbers are not told, what is `expected` is taken for granted.
    #[must_use]
    pub fn is_with(self, other: Self, expected: bool) -> bool {
        let frames = [self, other].map(|word| word.0 & FRAME_MASK);
        if effective_user_id() == 0 {
            frames[0] == frames[1] && frames[0] != 0
        } else {
            frames == [0, 0] && expected
        }
    }

    /// Whether a bit is set.
    #[must_use]
    pub fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

/// Whether it was written to since somebody asked is not shown: Linux counts what was never written to.
impl fmt::Display for PageWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            (PRESENT, "present"),
            (SWAPPED, "swapped"),
            (FILE, "file"),
            (EXCLUSIVE, "exclusive"),
        ];
        let mut is_first = true;
        for (_, name) in words.into_iter().filter(|(bit, _)| self.has(*bit)) {
            let gap = if is_first { "" } else { " " };
            write!(f, "{gap}{name}")?;
            is_first = false;
        }
        if is_first { f.write_str("nothing") } else { Ok(()) }
    }
}

/// The file of a process, open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageMap {
    /// Its number.
    pub fd: i32,
}

impl PageMap {
    /// One's own.
    ///
    /// # Panics
    ///
    /// When it cannot be opened.
    #[must_use]
    pub fn own() -> Self {
        let fd = file::open(c"/proc/self/pagemap", O_RDONLY).expect("open of the page map");
        Self { fd }
    }

    /// That of a process.
    pub fn of(pid: i32) -> Result<Self, Errno> {
        let path = Text::<32>::of(format_args!("/proc/{pid}/pagemap"));
        file::open(path.as_c_str(), O_RDONLY).map(|fd| Self { fd })
    }

    /// Closes the file.
    ///
    /// # Panics
    ///
    /// When it is not open.
    pub fn close(self) {
        file::close(self.fd).expect("close of the page map");
    }

    /// What is told of the page at an address.
    ///
    /// # Panics
    ///
    /// When the file cannot be read there, or has come to its end.
    #[must_use]
    pub fn at(self, address: u64) -> PageWord {
        let word = self.try_at(address).expect("pread of the page map");
        word.expect("a word is read as a whole")
    }

    /// The same; None behind the end of the file.
    pub fn try_at(self, address: u64) -> Result<Option<PageWord>, Errno> {
        let mut bytes = [0; ENTRY_BYTES as usize];
        let len = file::read_at(self.fd, &mut bytes, Self::offset_of(address))?;
        Ok((len == bytes.len()).then(|| PageWord(u64::from_le_bytes(bytes))))
    }

    /// Where in the file the word for an address is.
    #[must_use]
    pub fn offset_of(address: u64) -> u64 {
        address / PAGE_SIZE * ENTRY_BYTES
    }
}
