//! mincore and msync.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MS_ASYNC, MS_INVALIDATE, MS_SYNC, PROT_NONE, PROT_READ};
use guest_user::syscall::file;
use guest_user::{Span, child};

use crate::{fact, numbered_pages, outcome, own_file, page, pages, private_pages, shared_pages};

/// A flag that has no meaning.
const BAD_FLAG: u64 = 0x80;

pub(crate) fn mincore() {
    let mut told = [9; 8];
    let span = private_pages(4);
    page(span, 1).store(0, 1);
    page(span, 2).store(0, 1);
    page(span, 2).protect(PROT_NONE).expect("mprotect");
    fact("private memory", outcome(span.residency(&mut told)));
    fact("is there", format_args!("{:?}", &told[..5]));
    fact(
        "a part of a page",
        outcome(span.part(0, PAGE_SIZE + 1).residency(&mut told)),
    );
    fact("no length", outcome(span.part(0, 0).residency(&mut told)));
    fact(
        "a misaligned address",
        outcome(span.part(1, PAGE_SIZE).residency(&mut told)),
    );
    page(span, 3).unmap().expect("munmap");
    told = [9; 8];
    fact("a hole at the end", outcome(span.residency(&mut told)));
    fact("was told of", format_args!("{:?}", &told[..4]));
    let shared = shared_pages(2);
    fact("a child's store", child::run(|| shared.store(0, 1)));
    fact("shared memory", outcome(shared.residency(&mut told)));
    fact("is there", format_args!("{:?}", &told[..2]));
    let (fd, len_bytes) = own_file();
    let last = len_bytes / PAGE_SIZE;
    let end = Span::map_file(fd, last * PAGE_SIZE, 2 * PAGE_SIZE, PROT_READ, MAP_PRIVATE).expect("mmap");
    let _ = end.load(0);
    fact("the end of a file", outcome(end.residency(&mut told)));
    fact("is there", format_args!("{:?}", &told[..2]));
    file::close(fd).expect("close");
}

pub(crate) fn msync() {
    let span = numbered_pages(4);
    fact("at once", outcome(span.sync(MS_SYNC)));
    fact("some time", outcome(span.sync(MS_ASYNC)));
    fact("for others", outcome(span.sync(MS_INVALIDATE)));
    fact("no flag", outcome(span.sync(0)));
    fact("at once and some time", outcome(span.sync(MS_SYNC | MS_ASYNC)));
    fact("a flag that nobody knows", outcome(span.sync(BAD_FLAG)));
    fact("a misaligned address", outcome(span.part(1, 1).sync(MS_SYNC)));
    fact("no length", outcome(span.part(0, 0).sync(MS_SYNC)));
    page(span, 1).unmap().expect("munmap");
    fact("over a hole", outcome(span.sync(MS_SYNC)));
    fact("in a hole", outcome(page(span, 1).sync(MS_SYNC)));
    pages(span, 2, 2).lock().expect("mlock");
    fact(
        "locked memory for others",
        outcome(page(span, 2).sync(MS_INVALIDATE)),
    );
    fact("locked memory at once", outcome(page(span, 2).sync(MS_SYNC)));
}
