//! Mappings of a file on the disk, or of the archive that a guest has in its place.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_DONTNEED, MADV_POPULATE_READ, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, PROT_EXEC,
    PROT_READ,
};
use abi::linux::syscall::O_RDWR;
use guest_user::output::STANDARD_OUTPUT;
use guest_user::syscall::file;
use guest_user::{Span, child};

use crate::{
    READ_WRITE, byte_of, fact, fate_of_load, fate_of_store, letters_of, outcome, own_file, page, pages,
    private_pages,
};

/// So far behind the end of the file is nothing of it.
const FAR_BYTES: u64 = 1 << 30;
/// No file is so long that it has a page there.
const TOO_FAR_BYTES: u64 = 0xffff_ffff_ffff_f000;

pub(crate) fn private() {
    let (fd, len_bytes) = own_file();
    let last = len_bytes / PAGE_SIZE;
    let map = |prot, offset, pages| Span::map_file(fd, offset, pages * PAGE_SIZE, prot, MAP_PRIVATE);
    let span = map(PROT_READ, 0, last + 3).expect("mmap of more than the file");
    end_of_file(span, fd, len_bytes);
    let behind = pages(span, last + 1, 2);
    fact("load from the page behind", fate_of_load(behind, 0));
    fact("load from the next", fate_of_load(behind, PAGE_SIZE));
    fact("store to it", fate_of_store(behind, 0));
    fact(
        "write from there",
        outcome(file::write_span(STANDARD_OUTPUT, behind)),
    );
    fact("read to there", outcome(file::read_span_at(fd, behind, 0)));
    let memory = file::open(c"/proc/self/mem", O_RDWR).expect("open of the memory");
    let by_file = |span: Span| file::read_at(memory, &mut [0; 4], span.address());
    fact("read by the memory file", outcome(by_file(behind)));
    fact(
        "write by the memory file",
        outcome(file::write_at(memory, b"no", behind.address())),
    );
    fact("asked to be there", outcome(behind.advise(MADV_POPULATE_READ)));
    fact("writable", outcome(behind.protect(READ_WRITE)));
    fact("store then", fate_of_store(behind, 0));
    fact("read to there then", outcome(file::read_span_at(fd, behind, 0)));
    fact("the second goes", outcome(page(behind, 1).unmap()));
    fact("load from it then", fate_of_load(behind, PAGE_SIZE));
    let over = page(behind, 0)
        .map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED)
        .expect("mmap over the first");
    fact("memory over the first", over.load(0));
    fact(
        "the file's end is there still",
        span.load(len_bytes - 1) == byte_of(fd, len_bytes - 1),
    );

    let own = map(READ_WRITE, last * PAGE_SIZE, 1).expect("mmap of the end");
    own.store(len_bytes % PAGE_SIZE, 7);
    fact("a store behind the last byte", own.load(len_bytes % PAGE_SIZE));
    let child = child::run(|| own.store(len_bytes % PAGE_SIZE, 8));
    fact("a child's", child);
    fact("leaves it", own.load(len_bytes % PAGE_SIZE));
    fact("given up", outcome(own.advise(MADV_DONTNEED)));
    fact("it is gone", own.load(len_bytes % PAGE_SIZE));
    fact("another mapping has none", span.load(len_bytes));

    let far = map(PROT_READ, FAR_BYTES, 1).expect("mmap behind the end");
    fact("load from far behind the end", fate_of_load(far, 0));
    fact(
        "pages that no file has",
        outcome(map(PROT_READ, TOO_FAR_BYTES, 2)),
    );
    file::close(fd).expect("close");
}

pub(crate) fn shared() {
    let (fd, len_bytes) = own_file();
    let last = len_bytes / PAGE_SIZE;
    let map = |prot, flags| Span::map_file(fd, 0, (last + 2) * PAGE_SIZE, prot, flags);
    let span = map(PROT_READ, MAP_SHARED).expect("mmap of the file");
    fact(
        "the area is",
        core::str::from_utf8(&letters_of(span)).unwrap_or("?"),
    );
    fact("its first byte", span.load(0));
    end_of_file(span, fd, len_bytes);
    fact("load from the page behind", fate_of_load(page(span, last + 1), 0));
    fact("store", fate_of_store(span, 0));
    fact("the first byte then", byte_of(fd, 0));
    fact("writable from the start", outcome(map(READ_WRITE, MAP_SHARED)));
    fact("writable later", outcome(span.protect(READ_WRITE)));
    fact(
        "executable later",
        outcome(page(span, 0).protect(PROT_READ | PROT_EXEC)),
    );
    let memory = file::open(c"/proc/self/mem", O_RDWR).expect("open of the memory");
    fact(
        "write by the memory file",
        outcome(file::write_at(memory, b"no", span.address())),
    );
    fact("given up", outcome(span.advise(MADV_DONTNEED)));
    fact("its first byte", span.load(0));
    let validated = map(PROT_READ, MAP_SHARED_VALIDATE).expect("mmap with validation");
    fact("as is one that was validated", validated.load(0));
    fact(
        "writable with validation",
        outcome(map(READ_WRITE, MAP_SHARED_VALIDATE)),
    );
    file::close(fd).expect("close");
    fact(
        "a child's load",
        child::run(|| assert!(span.load(0) == validated.load(0), "the same file")),
    );
    fact("a child's store", fate_of_store(span, len_bytes - 1));
    fact("private memory beside it", private_pages(1).load(0));
}

/// What is on both sides of the last byte.
fn end_of_file(span: Span, fd: i32, len_bytes: u64) {
    let is_there = (0..len_bytes)
        .step_by(997)
        .all(|offset| span.load(offset) == byte_of(fd, offset));
    fact("what is in the file is there", is_there);
    fact(
        "so is its last byte",
        span.load(len_bytes - 1) == byte_of(fd, len_bytes - 1),
    );
    let end = len_bytes.next_multiple_of(PAGE_SIZE);
    fact(
        "zeros behind it in its page",
        (len_bytes..end).all(|offset| span.load(offset) == 0),
    );
}
