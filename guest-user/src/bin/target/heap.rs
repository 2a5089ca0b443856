//! brk: the break goes up into the range, and down again.

use abi::PAGE_SIZE;
use guest_user::syscall::memory::brk;
use guest_user::{Span, println};

use crate::{page, step};

/// Pages of the range that the heap reaches.
const HEAP_PAGES: u64 = 3;

pub(crate) fn changes(range: Span) {
    let old = brk(0);
    let end = range.address() + HEAP_PAGES * PAGE_SIZE;
    if old > range.address() || brk(end) != end {
        println!("target: the break cannot be moved into this range, it is at {old:#x}");
        return;
    }
    step("brk up by 3 pages", || {});
    step("a store to the first two of them", || {
        page(range, 0).store(0, 1);
        page(range, 1).store(0, 1);
    });
    step("brk down by 2 pages", || {
        let _ = brk(end - 2 * PAGE_SIZE);
    });
    step("brk down to where it was", || {
        let _ = brk(old);
    });
}
