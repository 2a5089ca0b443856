//! mremap: what is refused, and changes nothing.

use abi::PAGE_SIZE;
use abi::linux::mman::{MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE};
use abi::paging::USER_END;
use guest_user::Span;

use crate::{fact, numbered_pages, outcome, page, pages, room};

/// A flag that has no meaning.
const BAD_FLAG: u64 = 0x80;

pub(crate) fn facts() {
    let span = numbered_pages(4);
    let place = room(4);
    let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    let remap = |span: Span, pages, flags, wanted| outcome(span.remap(pages * PAGE_SIZE, flags, wanted));
    fact("a flag that nobody knows", remap(span, 4, BAD_FLAG, place));
    fact("a place without a move", remap(span, 4, MREMAP_FIXED, place));
    fact(
        "an old place that stays without a move",
        remap(span, 4, MREMAP_DONTUNMAP, place),
    );
    fact(
        "an old place that stays, and a new length",
        remap(span, 5, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, place),
    );
    fact(
        "a misaligned address",
        remap(span.part(1, PAGE_SIZE), 1, MREMAP_MAYMOVE, place),
    );
    fact("no new length", remap(span, 0, MREMAP_MAYMOVE, place));
    fact(
        "where nothing is",
        remap(page(place, 0), 2, MREMAP_MAYMOVE, place),
    );
    fact(
        "a misaligned place",
        remap(span, 4, fixed, room(5).part(1, 4 * PAGE_SIZE)),
    );
    fact(
        "a place that the old one reaches into",
        remap(pages(span, 0, 2), 2, fixed, pages(span, 1, 2)),
    );
    fact(
        "a place that reaches into the old one",
        remap(pages(span, 1, 2), 2, fixed, pages(span, 0, 2)),
    );
    fact(
        "a place at the end of all memory",
        remap(span, 4, fixed, end_of_memory()),
    );
    page(span, 1).unmap().expect("munmap");
    fact(
        "longer than from over a hole",
        remap(span, 6, MREMAP_MAYMOVE, place),
    );
    fact("shorter, from over a hole", remap(span, 3, 0, place));
    let sum = page(span, 0).load(0) + page(span, 2).load(0);
    fact("what stays", sum);
}

#[allow(unsafe_code, reason = "an address that the kernel did not give")]
fn end_of_memory() -> Span {
    // SAFETY: nothing can be there.
    unsafe { Span::at(USER_END - 2 * PAGE_SIZE, 4 * PAGE_SIZE) }
}
