//! munmap.

use abi::PAGE_SIZE;
use guest_user::Span;

use crate::{
    TOO_MANY_BYTES, fact, fate_of_load, fate_of_store, kernel_page, outcome, page, pages, private_pages,
};

pub(crate) fn facts() {
    let memory = private_pages(5);
    for index in 0..5 {
        page(memory, index).store(0, 10 + index as u8);
    }
    fact("a page in the middle", outcome(page(memory, 2).unmap()));
    fact("load from it", fate_of_load(page(memory, 2), 0));
    fact("store to it", fate_of_store(page(memory, 2), 0));
    fact("the page before it", page(memory, 1).load(0));
    fact("the page after it", page(memory, 3).load(0));
    fact("the same page again", outcome(page(memory, 2).unmap()));

    fact(
        "from before the hole to past it",
        outcome(pages(memory, 1, 3).unmap()),
    );
    fact("load from before the hole", fate_of_load(page(memory, 1), 0));
    fact("load from past the hole", fate_of_load(page(memory, 3), 0));
    fact("the first page", page(memory, 0).load(0));
    fact("the last page", page(memory, 4).load(0));

    fact(
        "a length of one byte takes the page",
        outcome(page(memory, 4).part(0, 1).unmap()),
    );
    fact(
        "load from its last byte",
        fate_of_load(page(memory, 4), PAGE_SIZE - 1),
    );

    let memory = private_pages(2);
    memory.store(0, 7);
    fact("no length", outcome(memory.part(0, 0).unmap()));
    fact("a misaligned address", outcome(memory.part(1, PAGE_SIZE).unmap()));
    fact(
        "a length that no address space holds",
        outcome(endless(memory).unmap()),
    );
    fact("the kernel's half", outcome(kernel_page().unmap()));
    fact("contents after the refusals", memory.load(0));
}

/// A range from the span's address on that is too long to exist.
#[allow(unsafe_code, reason = "names addresses that the kernel did not give")]
fn endless(span: Span) -> Span {
    // SAFETY: only for munmap, which refuses the range as a whole because it ends past all user memory.
    unsafe { Span::at(span.address(), TOO_MANY_BYTES) }
}
