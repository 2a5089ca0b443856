//! What parent and child see of each other's stores.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ};
use guest_user::{Span, child};

use crate::{READ_WRITE, fact, fate_of_load, fate_of_store, outcome, page, private_pages, shared_pages};

pub(crate) fn facts() {
    let private = private_pages(2);
    let shared = shared_pages(2);
    fact(
        "new shared memory is zero",
        (0..2 * PAGE_SIZE).all(|offset| shared.load(offset) == 0),
    );
    private.store(0, 1);
    shared.store(0, 1);
    let stores = child::run(|| {
        private.store(0, 2);
        shared.store(0, private.load(0) + shared.load(0));
        private.store(PAGE_SIZE, 4);
        shared.store(PAGE_SIZE, 5);
    });
    fact("a child that stores", stores);
    fact("private memory that was touched before fork", private.load(0));
    fact("private memory that was not", private.load(PAGE_SIZE));
    fact("shared memory that was touched before fork", shared.load(0));
    fact("shared memory that was not", shared.load(PAGE_SIZE));

    let grandchild_stores = child::run(|| {
        child::run(|| shared.store(1, 6));
    });
    fact("a grandchild that stores", grandchild_stores);
    fact("shared memory that it stored to", shared.load(1));

    fact(
        "a child unmaps shared memory",
        child::run(|| shared.unmap().map(drop).expect("munmap")),
    );
    fact("which leaves the parent's", shared.load(0));
    fact(
        "a child protects shared memory",
        child::run(|| shared.protect(PROT_READ).map(drop).expect("mprotect")),
    );
    shared.store(0, 9);
    fact("which leaves the parent's access", shared.load(0));

    let read_only = Span::map(PAGE_SIZE, PROT_READ, MAP_SHARED).expect("mmap");
    fact("load from read-only shared memory", fate_of_load(read_only, 0));
    fact("store to read-only shared memory", fate_of_store(read_only, 0));
    fact("it may become writable", outcome(read_only.protect(READ_WRITE)));
    fact("a child's store then", child::run(|| read_only.store(0, 3)));
    fact("is seen", read_only.load(0));

    let first_page_kept = page(shared, 0);
    fact("one of two shared pages goes", outcome(page(shared, 1).unmap()));
    fact(
        "a child's store to the other",
        child::run(|| first_page_kept.store(0, 11)),
    );
    fact("is seen too", first_page_kept.load(0));
}
