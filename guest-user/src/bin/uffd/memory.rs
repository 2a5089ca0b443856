//! What the kernel says of pages.

use abi::linux::pagemap::{PRESENT, UFFD_WP};
use guest_user::{PageMap, PageWord, Span};

/// How a page is, for people.
pub(crate) fn state(page: Span) -> &'static str {
    let word = word_of(page);
    match (word.has(PRESENT), word.has(UFFD_WP)) {
        (false, false) => "not there",
        (true, false) => "there",
        (true, true) => "there and protected",
        (false, true) => "not there and protected",
    }
}

/// Whether it is protected, wherever it is.
pub(crate) fn is_protected(page: Span) -> bool {
    word_of(page).has(UFFD_WP)
}

fn word_of(page: Span) -> PageWord {
    let map = PageMap::own();
    let word = map.at(page.address());
    map.close();
    word
}
