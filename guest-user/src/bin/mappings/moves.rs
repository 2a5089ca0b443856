//! mremap: what becomes of pages that move.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_WIPEONFORK, MAP_PRIVATE, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_NONE,
    PROT_READ,
};
use guest_user::syscall::file;
use guest_user::{Span, child};

use crate::{
    READ_WRITE, byte_of, fact, fate_of_load, fate_of_store, letters_of, numbered, numbered_pages, outcome,
    own_file, page, pages, private_pages, room, shared_pages,
};

pub(crate) fn facts() {
    private();
    children();
    shared();
    second_views();
    files();
    emptied();
}

/// Moves a span to a place in which nothing is.
fn moved(span: Span) -> Span {
    let len_bytes = span.len_bytes();
    span.remap(
        len_bytes,
        MREMAP_MAYMOVE | MREMAP_FIXED,
        room(len_bytes / PAGE_SIZE),
    )
    .expect("mremap")
}

fn private() {
    let old = numbered_pages(4);
    page(old, 3).protect(PROT_NONE).expect("mprotect");
    let new = pages(old, 1, 2);
    let new = moved(new);
    fact("pages from the middle of an area hold", new.load(0));
    fact("and", new.load(PAGE_SIZE));
    fact("load from where they were", fate_of_load(page(old, 1), 0));
    fact("the page before them", old.load(0));
    new.store(0, 7);
    fact("after a store", new.load(0));
    let hidden = moved(page(old, 3));
    fact("load from a hidden one", fate_of_load(hidden, 0));
    hidden.protect(PROT_READ).expect("mprotect");
    fact("it holds", hidden.load(0));
    fact("store to it", fate_of_store(hidden, 0));

    let untouched = moved(private_pages(2));
    fact("a page that nobody had touched", untouched.load(0));
    let wiped = numbered_pages(1);
    wiped.advise(MADV_WIPEONFORK).expect("madvise");
    let wiped = moved(wiped);
    fact(
        "a child finds none of what was to be wiped",
        child::run(|| assert!(wiped.load(0) == 0, "zeros")),
    );
    fact("its parent does", wiped.load(0));
}

fn children() {
    let memory = numbered_pages(2);
    let moves = child::run(|| {
        let new = moved(memory);
        assert!(new.load(0) == 10 && new.load(PAGE_SIZE) == 11, "what was there");
        new.store(0, 99);
        assert!(new.load(0) == 99, "the store");
    });
    fact("a child moves what it has from its parent", moves);
    fact("which leaves its parent's", memory.load(0));
    let new = moved(memory);
    let stores = child::run(|| new.store(PAGE_SIZE, 98));
    fact("a child stores to what was moved before", stores);
    fact("which leaves its parent's", new.load(PAGE_SIZE));
}

fn shared() {
    let old = numbered(shared_pages(2));
    let new = moved(old);
    fact("shared memory that moves holds", new.load(PAGE_SIZE));
    fact("a child's store", child::run(|| new.store(0, 5)));
    fact("is seen", new.load(0));
    fact(
        "a child moves it and stores",
        child::run(|| moved(new).store(PAGE_SIZE, 6)),
    );
    fact("that is seen", new.load(PAGE_SIZE));
    let longer = new.remap(4 * PAGE_SIZE, MREMAP_MAYMOVE, new).expect("mremap");
    fact("longer, it holds", longer.load(0));
    fact("load from behind its end", fate_of_load(longer, 2 * PAGE_SIZE));
}

/// Of what is shared the old pages stay if they have no length.
fn second_views() {
    let first = numbered(shared_pages(2));
    let none = page(first, 1).part(0, 0);
    let second = none
        .remap(PAGE_SIZE, MREMAP_MAYMOVE, none)
        .expect("mremap of nothing");
    fact("a second view holds", second.load(0));
    second.store(0, 77);
    fact("a store to it is in the first", first.load(PAGE_SIZE));
    first.unmap().expect("munmap");
    fact("and stays when that goes", second.load(0));
    let private = numbered_pages(1).part(0, 0);
    fact(
        "a second view of private memory",
        outcome(private.remap(PAGE_SIZE, MREMAP_MAYMOVE, private)),
    );
}

fn files() {
    let (fd, len_bytes) = own_file();
    let bytes = (len_bytes / PAGE_SIZE + 2) * PAGE_SIZE;
    let map = |prot, flags| Span::map_file(fd, 0, bytes, prot, flags).expect("mmap");
    let private = map(READ_WRITE, MAP_PRIVATE);
    private.store(0, 200);
    let new = moved(private);
    fact("a file's pages with a store", new.load(0));
    fact("without", new.load(1) == byte_of(fd, 1));
    fact("its end", new.load(len_bytes - 1) == byte_of(fd, len_bytes - 1));
    fact("behind its page", fate_of_load(new, bytes - PAGE_SIZE));
    let rest = pages(map(PROT_READ, MAP_SHARED), 1, 1);
    let before = rest.load(0);
    let rest = moved(rest);
    fact("a shared page", rest.load(0) == before);
    fact(
        "the area is",
        core::str::from_utf8(&letters_of(rest)).unwrap_or("?"),
    );
    let longer = rest.remap(2 * PAGE_SIZE, MREMAP_MAYMOVE, rest).expect("mremap");
    fact(
        "and the file's next",
        longer.load(PAGE_SIZE + 5) == byte_of(fd, 2 * PAGE_SIZE + 5),
    );
    file::close(fd).expect("close");

    let fd = file::memory_file(c"facts", 0).expect("memfd_create");
    file::write_at(fd, b"far", PAGE_SIZE).expect("pwrite");
    let memory = Span::map_file(fd, 0, PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap");
    memory.store(0, b'm');
    let longer = moved(memory)
        .remap(3 * PAGE_SIZE, MREMAP_MAYMOVE, memory)
        .expect("mremap");
    fact("a file of memory", char::from(longer.load(0)));
    fact("its next page", char::from(longer.load(PAGE_SIZE)));
    fact("behind its end", fate_of_store(longer, 2 * PAGE_SIZE));
    longer.store(1, b'n');
    fact("a store is in it", char::from(byte_of(fd, 1)));
    file::close(fd).expect("close");
}

/// `MREMAP_DONTUNMAP`.
fn emptied() {
    let old = numbered_pages(3);
    let middle = page(old, 1);
    let flags = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    let new = middle.remap(PAGE_SIZE, flags, middle.part(0, 0));
    fact("an old place that is to stay, as the new one", outcome(new));
    let none = page(room(1), 0);
    let new = middle.remap(PAGE_SIZE, flags, none).expect("mremap");
    fact("elsewhere it holds", new.load(0));
    fact("the old place", middle.load(0));
    middle.store(0, 8);
    fact("a store there leaves the new one", new.load(0));
    fact("and those around it", old.load(0) + page(old, 2).load(0));
    let shared = numbered(shared_pages(1));
    let again = shared.remap(PAGE_SIZE, flags, none_at_all()).expect("mremap");
    again.store(0, 55);
    fact("shared memory is at both", shared.load(0));
    let fixed = new
        .remap(PAGE_SIZE, flags | MREMAP_FIXED, page(old, 2))
        .expect("mremap");
    fact("over another page it holds", fixed.load(0));
    fact("the old place", new.load(0));
}

/// Address 0, which as a hint is none.
#[allow(unsafe_code, reason = "an address that the kernel did not give")]
fn none_at_all() -> Span {
    // SAFETY: nothing is loaded or stored there.
    unsafe { Span::at(0, 0) }
}
