//! UFFDIO_REGISTER and UFFDIO_UNREGISTER.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE, PROT_READ};
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{
    RANGE_IOCTL_COPY, RANGE_IOCTL_WAKE, RANGE_IOCTL_WRITEPROTECT, RANGE_IOCTL_ZEROPAGE,
    UFFDIO_REGISTER_MODE_MISSING as MISSING, UFFDIO_REGISTER_MODE_WP as WP,
};
use guest_user::facts::section;
use guest_user::syscall::{from_raw, process, to_raw};
use guest_user::{Board, Span, Userfaultfd, child};

use crate::{at, fact, outcome, page, pages};

pub(crate) fn facts() {
    section("register", registering);
    section("unregister", unregistering);
    section("memory that is gone", gone);
}

fn registering() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    let span = pages(4);
    let start = span.address();
    let register = |span, mode| outcome(uffd.register(span, mode));
    fact("no mode", register(span, 0));
    fact("a mode that nothing is", register(span, 8));
    fact(
        "a start off the page",
        register(at(start + 8, PAGE_SIZE), MISSING),
    );
    fact("a length off the page", register(at(start, 100), MISSING));
    fact("no length", register(at(start, 0), MISSING));
    fact("null", register(at(0, PAGE_SIZE), MISSING));
    fact("past the last address", register(at(1 << 47, PAGE_SIZE), MISSING));
    fact("around the last address", register(at(start, 1 << 47), MISSING));
    fact(
        "memory of a file",
        register(
            at(registering as *const () as u64 & !(PAGE_SIZE - 1), PAGE_SIZE),
            MISSING,
        ),
    );
    page(span, 3).unmap().expect("munmap");
    fact("where nothing is", register(page(span, 3), MISSING));
    fact("with a hole behind it", register(span, MISSING));
    for (name, prot) in [("read-only", PROT_READ), ("inaccessible", PROT_NONE)] {
        let span = Span::map(PAGE_SIZE, prot, MAP_PRIVATE).expect("mmap");
        fact(name, register(span, MISSING));
    }
    for (name, mode) in [("missing", MISSING), ("protected", WP), ("both", MISSING | WP)] {
        let ioctls = uffd.register(pages(1), mode).expect("UFFDIO_REGISTER");
        let has = |bit| ioctls & bit != 0;
        let usual = has(RANGE_IOCTL_COPY) && has(RANGE_IOCTL_ZEROPAGE) && has(RANGE_IOCTL_WAKE);
        fact(
            name,
            format_args!(
                "copy, zeros, wake {usual}, protect {}",
                has(RANGE_IOCTL_WRITEPROTECT)
            ),
        );
    }
    let first = page(span, 0);
    fact("again", register(first, MISSING));
    fact("for more", register(first, MISSING | WP));
    let other = Userfaultfd::open(O_NONBLOCK, 0);
    fact("what is another's", outcome(other.register(first, MISSING)));
    fact("close", outcome(guest_user::syscall::file::close(uffd.fd)));
    fact("what was another's", outcome(other.register(first, MISSING)));
    other.close();
}

fn unregistering() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    let span = pages(3);
    fact("what was never registered", outcome(uffd.unregister(span)));
    uffd.register(span, MISSING).expect("UFFDIO_REGISTER");
    fact(
        "a start off the page",
        outcome(uffd.unregister(at(span.address() + 8, PAGE_SIZE))),
    );
    fact("no length", outcome(uffd.unregister(at(span.address(), 0))));
    let other = Userfaultfd::open(O_NONBLOCK, 0);
    fact("what is another's", outcome(other.unregister(span)));
    fact("the middle", outcome(uffd.unregister(page(span, 1))));
    fact("which loads", page(span, 1).load(0));
    let from = pages(1);
    fact(
        "copy there",
        outcome(uffd.copy(page(span, 1), from.address(), 0).0),
    );
    fact(
        "copy before it",
        outcome(uffd.copy(page(span, 0), from.address(), 0).0),
    );
    fact(
        "copy behind it",
        outcome(uffd.copy(page(span, 2), from.address(), 0).0),
    );
    fact("all", outcome(uffd.unregister(span)));
    span.unmap().expect("munmap");
    fact("where nothing is", outcome(uffd.unregister(span)));
    other.close();
    uffd.close();
}

/// A process whose parent, whose memory the descriptor is for, has ended.
fn gone() {
    let board = Board::new();
    child::run(|| {
        let uffd = Userfaultfd::open(O_NONBLOCK, 0);
        let span = pages(1);
        uffd.register(span, MISSING | WP).expect("UFFDIO_REGISTER");
        let parent = process::process_id();
        child::start(|| {
            while process::parent_process_id() == parent {
                process::sched_yield();
            }
            let from = pages(1);
            let results = [
                uffd.register(span, MISSING).map(drop),
                uffd.unregister(span),
                uffd.copy(span, from.address(), 0).0,
                uffd.fill_with_zeros(span, 0).0,
                uffd.write_protect(span, 0),
                uffd.wake(span),
            ];
            for (index, result) in (0..).zip(results) {
                board.post(index, to_raw(result.map(|()| 0)).cast_unsigned());
            }
            board.post(7, 1);
        });
    });
    board.wait_for(7, 1);
    for (index, name) in (0..).zip(["register", "unregister", "copy", "zeros", "protect", "wake"]) {
        fact(name, outcome(from_raw(board.read(index).cast_signed())));
    }
}
