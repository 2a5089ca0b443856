//! What the kernel says of pages.

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::linux::pagemap::{ENTRY_BYTES, PRESENT, UFFD_WP};
use abi::linux::syscall::O_RDONLY;
use guest_user::Span;
use guest_user::syscall::file;

const PAGEMAP: &CStr = c"/proc/self/pagemap";

/// How a page is, for people.
pub(crate) fn state(page: Span) -> &'static str {
    let word = word_of(page);
    match (word & PRESENT != 0, word & UFFD_WP != 0) {
        (false, false) => "not there",
        (true, false) => "there",
        (true, true) => "there and protected",
        (false, true) => "not there and protected",
    }
}

/// Whether it is protected, wherever it is.
pub(crate) fn is_protected(page: Span) -> bool {
    word_of(page) & UFFD_WP != 0
}

/// The word of it in the page map.
fn word_of(page: Span) -> u64 {
    let fd = file::open(PAGEMAP, O_RDONLY).expect("open");
    let mut word = [0; ENTRY_BYTES as usize];
    file::read_at(fd, &mut word, page.address() / PAGE_SIZE * ENTRY_BYTES).expect("pread64");
    file::close(fd).expect("close");
    u64::from_le_bytes(word)
}
