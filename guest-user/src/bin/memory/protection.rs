//! mprotect.

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_NONE, PROT_READ};

use crate::{
    READ_WRITE, fact, fate_of_load, fate_of_store, kernel_page, outcome, page, pages, private_pages,
};

/// No protection has this bit.
const BAD_PROT: u64 = 1 << 10;

pub(crate) fn facts() {
    let memory = private_pages(3);
    for index in 0..3 {
        page(memory, index).store(0, 7);
    }
    let middle = page(memory, 1);
    fact("read-only", outcome(middle.protect(PROT_READ)));
    fact("contents", middle.load(0));
    fact("store", fate_of_store(middle, 0));
    fact("store to the page before", fate_of_store(page(memory, 0), 0));
    fact("store to the page after", fate_of_store(page(memory, 2), 0));
    fact("no access", outcome(middle.protect(PROT_NONE)));
    fact("load", fate_of_load(middle, 0));
    fact("read and write again", outcome(middle.protect(READ_WRITE)));
    fact("contents kept", middle.load(0));
    middle.store(0, 8);
    fact("contents after a store", middle.load(0));

    fact(
        "a length of one byte covers the page",
        outcome(middle.part(0, 1).protect(PROT_READ)),
    );
    fact("store to its last byte", fate_of_store(middle, PAGE_SIZE - 1));
    middle.protect(READ_WRITE).expect("mprotect");

    fact("no length", outcome(memory.part(0, 0).protect(PROT_READ)));
    fact(
        "a misaligned address",
        outcome(memory.part(1, PAGE_SIZE).protect(PROT_READ)),
    );
    fact("an unknown protection", outcome(memory.protect(BAD_PROT)));
    fact("the kernel's half", outcome(kernel_page().protect(PROT_READ)));
    fact("store after the refusals", fate_of_store(memory, 0));

    middle.unmap().expect("munmap");
    fact(
        "a range that begins in a hole",
        outcome(pages(memory, 1, 2).protect(PROT_READ)),
    );
    fact(
        "store to the page after the hole",
        fate_of_store(page(memory, 2), 0),
    );
    fact("a range with a hole inside", outcome(memory.protect(PROT_READ)));
    fact(
        "store to the page before the hole",
        fate_of_store(page(memory, 0), 0),
    );
    fact(
        "store to the page after the hole, now",
        fate_of_store(page(memory, 2), 0),
    );
}
