//! mremap of memory whose faults a program serves: nobody serves them at the new place, because this program does not ask to be told.

use abi::PAGE_SIZE;
use abi::linux::mman::{MREMAP_DONTUNMAP, MREMAP_MAYMOVE};
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{
    UFFDIO_REGISTER_MODE_MISSING as MISSING, UFFDIO_REGISTER_MODE_WP as WP,
    UFFDIO_WRITEPROTECT_MODE_WP as PROTECT,
};
use guest_user::{Span, Userfaultfd};

use crate::{fact, numbered_pages, outcome, page, private_pages, room};

pub(crate) fn facts() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    let from = numbered_pages(1);
    let registered = || {
        let span = private_pages(2);
        uffd.register(span, MISSING | WP).expect("UFFDIO_REGISTER");
        uffd.copy(page(span, 0), from.address(), 0)
            .0
            .expect("UFFDIO_COPY");
        uffd.write_protect(page(span, 0), PROTECT)
            .expect("UFFDIO_WRITEPROTECT");
        span
    };
    let moved = |span: Span, flags| {
        span.remap(2 * PAGE_SIZE, MREMAP_MAYMOVE | flags, room(1))
            .expect("mremap")
    };
    let copied = |span: Span| outcome(uffd.copy(page(span, 1), from.address(), 0).0);

    let old = registered();
    let new = moved(old, MREMAP_DONTUNMAP);
    fact("a protected page holds", new.load(0));
    new.store(0, 3);
    fact("after a store", new.load(0));
    fact("told of", outcome(uffd.read_message()));
    fact("a copy to the new place", copied(new));
    fact("a page that was not there", page(new, 1).load(0));
    fact("a copy to the old place", copied(old));
    fact("it holds", page(old, 1).load(0));

    let again = registered();
    let longer = again.remap(4 * PAGE_SIZE, MREMAP_MAYMOVE, again).expect("mremap");
    fact("one that became longer holds", longer.load(0));
    uffd.close();
}
