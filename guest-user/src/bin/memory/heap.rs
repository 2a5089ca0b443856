//! brk, the raw system call: it answers with the break as it is afterwards.
#![allow(
    unsafe_code,
    reason = "the break is an address, and the memory below it has no other name"
)]

use abi::PAGE_SIZE;
use abi::paging::USER_END;
use guest_user::syscall::memory::brk;
use guest_user::{Span, child};

use crate::{fact, fate_of_load, fate_of_store};

pub(crate) fn facts() {
    let start = brk(0);
    fact("asked twice, it is the same", brk(0) == start);
    let first_page = start.next_multiple_of(PAGE_SIZE);
    let end = first_page + 2 * PAGE_SIZE;
    fact("it grows to what was asked", brk(end) == end);

    // SAFETY: the program has no heap, so what lies below the break is nobody's.
    let memory = unsafe { Span::at(first_page, 2 * PAGE_SIZE) };
    fact(
        "new memory is zero",
        (0..2 * PAGE_SIZE).all(|offset| memory.load(offset) == 0),
    );
    memory.store(0, 7);
    memory.store(PAGE_SIZE, 8);
    fact("store past it", fate_of_store(past(end), 0));

    let shorter = first_page + PAGE_SIZE;
    fact("it shrinks to what was asked", brk(shorter) == shorter);
    fact("load from what was given back", fate_of_load(memory, PAGE_SIZE));
    fact("contents of what stayed", memory.load(0));
    fact("it grows again", brk(end) == end);
    fact("contents of what came back", memory.load(PAGE_SIZE));

    let odd = shorter + 1;
    fact("it may lie inside a page", brk(odd) == odd);
    memory.store(2 * PAGE_SIZE - 1, 9);
    fact("the rest of that page is there", memory.load(2 * PAGE_SIZE - 1));

    fact("below its start it stays", brk(start - PAGE_SIZE) == odd);
    fact("past all user memory it stays", brk(USER_END) == odd);
    fact(
        "in the child it is the same",
        child::run(|| assert!(brk(0) == odd, "the child's break is the parent's")),
    );
    let grow_in_child = || assert!(brk(end + PAGE_SIZE) == end + PAGE_SIZE, "the child's break grows");
    fact("it grows in the child", child::run(grow_in_child));
    fact("which leaves the parent's", brk(0) == odd);
    fact("it goes back to its start", brk(start) == start);
    fact("load from the first page then", fate_of_load(memory, 0));
}

fn past(end: u64) -> Span {
    // SAFETY: nothing at all is mapped right after the break.
    unsafe { Span::at(end, 1) }
}
