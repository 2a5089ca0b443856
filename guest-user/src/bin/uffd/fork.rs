//! A child's memory is not registered; the descriptor it inherits is for its parent's.

use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{UFFDIO_REGISTER_MODE_WP as WP, UFFDIO_WRITEPROTECT_MODE_WP as PROTECT};
use guest_user::facts::section;
use guest_user::{Board, child};

use crate::memory::state;
use crate::server::{Service, told, while_serving};
use crate::write_protect::registered as registered_pages;
use crate::{fact, faults, outcome, page, pages};

pub(crate) fn facts() {
    section("missing", missing);
    section("protected", protected);
}

fn missing() {
    let (uffd, span) = faults::registered(O_NONBLOCK, 0, 2);
    let from = pages(1);
    from.store(0, b'y');
    let status = child::run(|| assert!(span.load(0) == 0, "a child's page is zeros"));
    fact("a child's load", status);
    fact("told of", outcome(uffd.read_message()));
    fact("the parent's page is", state(page(span, 0)));
    let status = child::run(|| {
        uffd.copy(page(span, 0), from.address(), 0)
            .0
            .expect("UFFDIO_COPY");
        assert!(span.load(0) == 0, "a child's page is zeros");
    });
    fact("a child's copy", status);
    fact("the parent's page holds", char::from(span.load(0)));
    fact("a child closes its descriptor", child::run(|| uffd.close()));
    while_serving(uffd, Service::Copy(from), 1, || page(span, 1).load(0));
    fact("the parent's load", told());
    uffd.close();
}

fn protected() {
    let (uffd, span) = registered_pages(WP, 3);
    uffd.write_protect(span, PROTECT).expect("UFFDIO_WRITEPROTECT");
    let board = Board::new();
    let status = child::run(|| {
        board.post(0, u64::from(state(span) == "there"));
        span.store(0, 9);
        board.post(1, span.load(0).into());
    });
    fact("a child's store", status);
    fact("its page was not protected", board.read(0) == 1);
    fact("it has stored", board.read(1));
    fact("told of", outcome(uffd.read_message()));
    fact("the parent's page holds", span.load(0));
    fact("the parent's page is", state(page(span, 0)));
    while_serving(uffd, Service::Unprotect, 1, || span.store(0, 4));
    fact("the parent's store", told());
    fact("it has stored", span.load(0));

    let one = page(span, 1);
    let child = child::start(|| {
        board.wait_for(2, 1);
        board.post(3, one.load(0).into());
    });
    while_serving(uffd, Service::Unprotect, 1, || one.store(0, 5));
    fact("the parent's store while there is a child", told());
    board.post(2, 1);
    let ended = guest_user::syscall::process::wait(child, 0).expect("wait4");
    fact("the child ended", ended.is_some());
    fact("it has loaded", board.read(3));
    fact("the parent's page holds", one.load(0));
    uffd.close();
}
