//! A word of the file, and the file itself.

use core::fmt;

use abi::PAGE_SIZE;
use abi::linux::pagemap::{ENTRY_BYTES, EXCLUSIVE, FILE, FRAME_MASK, PRESENT, SWAPPED};
use abi::linux::syscall::O_RDONLY;
use guest_user::Text;
use guest_user::syscall::credentials::effective_user_id;
use guest_user::syscall::{Errno, file};

/// What is told of one page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    /// Physical address behind a virtual one in the page, for whoever may know.
    pub(crate) fn translate(self, address: u64) -> u64 {
        (self.0 & FRAME_MASK) * PAGE_SIZE + address % PAGE_SIZE
    }

    /// Whether both pages are in one frame. Where numbers are not told, what is `expected` is taken for granted.
    pub(crate) fn is_with(self, other: Self, expected: bool) -> bool {
        let frames = [self, other].map(|word| word.0 & FRAME_MASK);
        if effective_user_id() == 0 {
            frames[0] == frames[1] && frames[0] != 0
        } else {
            frames == [0, 0] && expected
        }
    }

    pub(crate) fn has(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

/// Whether it was written to since somebody asked is not shown: Linux counts what was never written to.
impl fmt::Display for Word {
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

/// An open file.
#[derive(Clone, Copy)]
pub(crate) struct PageMap(pub(crate) i32);

impl PageMap {
    pub(crate) fn own() -> Self {
        Self(file::open(c"/proc/self/pagemap", O_RDONLY).expect("open of the page map"))
    }

    pub(crate) fn of(pid: i32) -> Result<Self, Errno> {
        open(pid, "pagemap").map(Self)
    }

    pub(crate) fn close(self) {
        file::close(self.0).expect("close of the page map");
    }

    /// What is told of the page at an address.
    pub(crate) fn at(self, address: u64) -> Word {
        let mut bytes = [0; ENTRY_BYTES as usize];
        let len = file::read_at(self.0, &mut bytes, offset_of(address)).expect("pread of the page map");
        assert_eq!(len, bytes.len(), "a word is read as a whole");
        Word(u64::from_le_bytes(bytes))
    }
}

/// Where the word for an address is.
pub(crate) fn offset_of(address: u64) -> u64 {
    address / PAGE_SIZE * ENTRY_BYTES
}

/// Path of a file about a process.
pub(crate) fn path(pid: i32, name: &str) -> Text<32> {
    Text::of(format_args!("/proc/{pid}/{name}"))
}

/// Opens that file.
pub(crate) fn open(pid: i32, name: &str) -> Result<i32, Errno> {
    file::open(path(pid, name).as_c_str(), O_RDONLY)
}
