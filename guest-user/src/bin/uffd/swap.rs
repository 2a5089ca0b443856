//! Pages that a kernel with little memory puts on its disk in the meantime: they are neither missing nor unprotected.

use abi::PAGE_SIZE;
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{
    UFFDIO_REGISTER_MODE_MISSING as MISSING, UFFDIO_REGISTER_MODE_WP as WP,
    UFFDIO_WRITEPROTECT_MODE_WP as PROTECT,
};
use guest_user::Userfaultfd;

use crate::memory::is_protected;
use crate::server::{Service, told, while_serving};
use crate::{answered, fact, outcome, page, pages};

/// More than the memory of the scenario's guest.
const MANY_PAGES: u64 = 2850;

pub(crate) fn facts() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    let from = pages(1);
    from.store(0, b'z');
    let span = pages(4);
    uffd.register(span, MISSING | WP).expect("UFFDIO_REGISTER");
    for index in 0..3 {
        uffd.copy(page(span, index), from.address(), 0)
            .0
            .expect("UFFDIO_COPY");
    }
    uffd.write_protect(span.part(PAGE_SIZE, 2 * PAGE_SIZE), PROTECT)
        .expect("UFFDIO_WRITEPROTECT");
    let many = pages(MANY_PAGES);
    (0..MANY_PAGES).for_each(|index| page(many, index).store(0, 1));

    fact(
        "pages are protected",
        [0, 1, 2].map(|index| is_protected(page(span, index))) == [false, true, true],
    );
    answered("a copy to one", uffd.copy(page(span, 0), from.address(), 0));
    fact("it holds", char::from(span.load(0)));
    span.store(0, b'y');
    fact("after a store", char::from(span.load(0)));
    fact("told of", outcome(uffd.read_message()));
    fact("a protected one holds", char::from(page(span, 1).load(0)));
    while_serving(uffd, Service::Unprotect, 1, || page(span, 1).store(0, b'x'));
    fact("after a load, a store", told());
    fact("it holds", char::from(page(span, 1).load(0)));
    while_serving(uffd, Service::Unprotect, 1, || page(span, 2).store(0, b'w'));
    fact("at once, a store", told());
    fact("it holds", char::from(page(span, 2).load(0)));
    while_serving(uffd, Service::Copy(from), 1, || page(span, 3).load(0));
    fact("one that was never there", told());
    uffd.close();
}
