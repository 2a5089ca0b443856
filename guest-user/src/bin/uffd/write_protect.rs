//! Pages that are there and protected: stores are told of.

use abi::PAGE_SIZE;
use abi::linux::mman::MADV_DONTNEED;
use abi::linux::syscall::{O_NONBLOCK, O_RDONLY};
use abi::linux::userfaultfd::{
    UFFD_FEATURE_PAGEFAULT_FLAG_WP, UFFDIO_COPY_MODE_WP, UFFDIO_REGISTER_MODE_MISSING as MISSING,
    UFFDIO_REGISTER_MODE_WP as WP, UFFDIO_WRITEPROTECT_MODE_DONTWAKE as DONTWAKE,
    UFFDIO_WRITEPROTECT_MODE_WP as PROTECT,
};
use guest_user::facts::section;
use guest_user::syscall::file;
use guest_user::{Span, Userfaultfd, thread};

use crate::memory::state;
use crate::server::{Service, told, while_serving};
use crate::{READ_WRITE, answered, at, fact, outcome, page, pages};

pub(crate) fn facts() {
    section("refusals", refusals);
    section("stores", stores);
    section("what ends protection", ends);
    section("missing and protected", both);
}

/// Pages that are there, registered in that mode.
pub(crate) fn registered(mode: u64, count: u64) -> (Userfaultfd, Span) {
    let uffd = Userfaultfd::open(O_NONBLOCK, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    let span = pages(count);
    for index in 0..count {
        page(span, index).store(0, 1);
    }
    uffd.register(span, mode).expect("UFFDIO_REGISTER");
    (uffd, span)
}

fn refusals() {
    let (uffd, span) = registered(WP, 2);
    let protect = |span, mode| outcome(uffd.write_protect(span, mode));
    fact(
        "off the page",
        protect(at(span.address() + 8, PAGE_SIZE), PROTECT),
    );
    fact("no length", protect(span.part(0, 0), PROTECT));
    fact("a mode that nothing is", protect(span, 4));
    fact("protect and do not wake", protect(span, PROTECT | DONTWAKE));
    fact("what is not registered", protect(pages(1), PROTECT));
    let (missing, other) = registered(MISSING, 1);
    fact(
        "what is registered as missing",
        outcome(missing.write_protect(other, PROTECT)),
    );
    page(span, 1).unmap().expect("munmap");
    fact("where nothing is", protect(page(span, 1), PROTECT));
    fact("with a hole behind it", protect(span, PROTECT));
    uffd.close();
    missing.close();
}

fn stores() {
    let (uffd, span) = registered(WP, 3);
    fact(
        "protect two pages",
        outcome(uffd.write_protect(span.part(0, 2 * PAGE_SIZE), PROTECT)),
    );
    for index in 0..3 {
        fact("a page is", state(page(span, index)));
    }
    fact("loads", span.load(0));
    page(span, 2).store(0, 5);
    fact("nothing is told of that", outcome(uffd.read_message()));
    let storer = thread::spawn(move || page(span, 1).store(1, 6)).expect("clone");
    let message = uffd.next_message();
    fact("told of", message.kind());
    fact("its page", (message.address() - span.address()) / PAGE_SIZE);
    fact("it has stored", page(span, 1).load(1));
    fact(
        "not protected, and not woken",
        outcome(uffd.write_protect(page(span, 1), DONTWAKE)),
    );
    fact("wake", outcome(uffd.wake(page(span, 1))));
    storer.join();
    fact("it has stored", page(span, 1).load(1));
    fact("the page is", state(page(span, 1)));
    page(span, 1).store(1, 7);
    fact("nothing is told of the next store", outcome(uffd.read_message()));

    uffd.write_protect(page(span, 1), PROTECT)
        .expect("UFFDIO_WRITEPROTECT");
    while_serving(uffd, Service::Unprotect, 1, || page(span, 1).store(1, 8));
    fact("protected again, told of", told());
    fact("it has stored", page(span, 1).load(1));
    let read = while_serving(uffd, Service::Unprotect, 1, || read_maps(span.part(0, 8)));
    fact("the kernel's store", outcome(read));
    fact("told of", told());
    uffd.close();
}

fn ends() {
    let (uffd, span) = registered(WP, 5);
    let protect = |index| {
        uffd.write_protect(page(span, index), PROTECT)
            .expect("UFFDIO_WRITEPROTECT");
    };
    (0..5).for_each(protect);
    page(span, 0)
        .protect(abi::linux::mman::PROT_READ)
        .expect("mprotect");
    page(span, 0).protect(READ_WRITE).expect("mprotect");
    fact("mprotect there and back", state(page(span, 0)));
    while_serving(uffd, Service::Unprotect, 1, || page(span, 0).store(0, 2));
    fact("a store then is told of", told());
    page(span, 1).advise(MADV_DONTNEED).expect("madvise");
    fact("madvise", state(page(span, 1)));
    page(span, 1).store(0, 2);
    fact("a store then is told of", outcome(uffd.read_message()));
    uffd.unregister(page(span, 2)).expect("UFFDIO_UNREGISTER");
    fact("unregister", state(page(span, 2)));
    page(span, 2).store(0, 2);
    fact("it has stored", page(span, 2).load(0));
    uffd.register(page(span, 3), MISSING).expect("UFFDIO_REGISTER");
    page(span, 3).store(0, 2);
    fact("registered as missing, it has stored", page(span, 3).load(0));
    uffd.close();
    fact("close", state(page(span, 4)));
    page(span, 4).store(0, 2);
    fact("it has stored", page(span, 4).load(0));
}

fn both() {
    let (uffd, span) = registered(WP, 1);
    let other = pages(3);
    uffd.register(other, MISSING | WP).expect("UFFDIO_REGISTER");
    fact(
        "protect what is not there",
        outcome(uffd.write_protect(other, PROTECT)),
    );
    fact("the page is", state(other));
    answered(
        "a copy that is protected",
        uffd.copy(page(other, 1), span.address(), UFFDIO_COPY_MODE_WP),
    );
    fact("the page is", state(page(other, 1)));
    while_serving(uffd, Service::Unprotect, 1, || page(other, 1).store(0, 3));
    fact("a store to it", told());
    while_serving(uffd, Service::Copy(span), 1, || page(other, 2).store(0, 3));
    fact("a store to what is not there", told());
    fact("it has stored", page(other, 2).load(0));
    uffd.close();
}

fn read_maps(into: Span) -> Result<usize, guest_user::syscall::Errno> {
    let fd = file::open(c"/proc/self/maps", O_RDONLY).expect("open");
    let read = file::read_span(fd, into);
    file::close(fd).expect("close");
    read
}
