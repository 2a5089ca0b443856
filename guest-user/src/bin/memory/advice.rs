//! madvise(MADV_DONTNEED).

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, PROT_READ};
use guest_user::child;

use crate::{fact, kernel_page, outcome, page, private_pages, shared_pages};

/// No advice has this number.
const BAD_ADVICE: u64 = 9999;

pub(crate) fn facts() {
    let memory = private_pages(3);
    for index in 0..3 {
        page(memory, index).store(0, 7);
    }
    fact("private memory", outcome(page(memory, 1).advise(MADV_DONTNEED)));
    fact("its contents", page(memory, 1).load(0));
    fact("the page before", page(memory, 0).load(0));
    fact("the page after", page(memory, 2).load(0));
    page(memory, 1).store(0, 8);
    fact("its contents after a store", page(memory, 1).load(0));
    fact(
        "a child gives up its copy",
        child::run(|| page(memory, 0).advise(MADV_DONTNEED).map(drop).expect("madvise")),
    );
    fact("the parent's contents", page(memory, 0).load(0));

    let read_only = private_pages(1);
    read_only.store(0, 7);
    read_only.protect(PROT_READ).expect("mprotect");
    fact("read-only memory", outcome(read_only.advise(MADV_DONTNEED)));
    fact("its contents are gone", read_only.load(0));

    let shared = shared_pages(1);
    shared.store(0, 7);
    fact("shared memory", outcome(shared.advise(MADV_DONTNEED)));
    fact("its contents stay", shared.load(0));

    fact("no length", outcome(memory.part(0, 0).advise(MADV_DONTNEED)));
    fact(
        "a misaligned address",
        outcome(memory.part(1, PAGE_SIZE).advise(MADV_DONTNEED)),
    );
    fact("an unknown advice", outcome(memory.advise(BAD_ADVICE)));
    fact(
        "an unknown advice of no length",
        outcome(memory.part(0, 0).advise(BAD_ADVICE)),
    );
    fact("the kernel's half", outcome(kernel_page().advise(MADV_DONTNEED)));
    page(memory, 1).unmap().expect("munmap");
    fact("a range with a hole", outcome(memory.advise(MADV_DONTNEED)));
    fact("contents before the hole", page(memory, 0).load(0));
    fact("contents after the hole", page(memory, 2).load(0));
}
