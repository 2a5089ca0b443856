//! The stack grows into the range.

use abi::PAGE_SIZE;
use guest_user::Span;

use crate::{PAGES, page, step};

/// How far a stack may grow (`RLIMIT_STACK`), as it usually is.
const LIMIT_BYTES: u64 = 8 << 20;

/// Whether the range is one that the stack can grow into and has not reached.
pub(crate) fn holds(range: Span) -> bool {
    let here = &raw const range as u64;
    range.end() + PAGE_SIZE < here && here - range.address() < LIMIT_BYTES
}

pub(crate) fn changes(range: Span) {
    step("a store to the stack, 2 pages into the range", || {
        page(range, PAGES - 2).store(0, 1);
    });
    step("a load 2 pages further", || {
        let _ = page(range, PAGES - 4).load(0);
    });
    step("a store to a page that the stack has passed", || {
        page(range, PAGES - 3).store(0, 1);
    });
    step("a store to the lowest page of the range", || {
        page(range, 0).store(0, 1);
    });
}
