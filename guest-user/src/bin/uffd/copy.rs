//! UFFDIO_COPY, UFFDIO_ZEROPAGE and UFFDIO_WAKE.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ};
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{
    UFFDIO_COPY_MODE_DONTWAKE as DONTWAKE, UFFDIO_COPY_MODE_WP, UFFDIO_REGISTER_MODE_MISSING as MISSING,
};
use guest_user::facts::section;
use guest_user::{Span, Userfaultfd};

use crate::memory::state;
use crate::{answered, at, fact, outcome, page, pages};

pub(crate) fn facts() {
    section("copy", copying);
    section("zeros", zeros);
    section("wake", waking);
}

fn registered(count: u64) -> (Userfaultfd, Span) {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    let span = pages(count);
    uffd.register(span, MISSING).expect("UFFDIO_REGISTER");
    (uffd, span)
}

fn source() -> Span {
    let from = pages(3);
    for (index, byte) in (0..).zip(*b"abc") {
        page(from, index).store(0, byte);
        page(from, index).store(PAGE_SIZE - 1, byte + 1);
    }
    from
}

fn copying() {
    let (uffd, span) = registered(6);
    let from = source();
    let address = from.address();
    let first = page(span, 0);
    answered(
        "off the page",
        uffd.copy(at(span.address() + 8, PAGE_SIZE), address, 0),
    );
    answered("a length off the page", uffd.copy(span.part(0, 100), address, 0));
    answered("no length", uffd.copy(span.part(0, 0), address, 0));
    answered("a mode that nothing is", uffd.copy(first, address, 8));
    answered("from null", uffd.copy(first, 0, 0));
    answered("from the kernel's half", uffd.copy(first, 1 << 47, 0));
    let hole = pages(1);
    hole.unmap().expect("munmap");
    answered("from where nothing is", uffd.copy(first, hole.address(), 0));
    answered("to where nothing is", uffd.copy(hole, address, 0));
    answered("to what is not registered", uffd.copy(page(from, 0), address, 0));
    answered(
        "past the end",
        uffd.copy(at(page(span, 5).address(), 2 * PAGE_SIZE), address, 0),
    );
    answered(
        "protected where stores are not told of",
        uffd.copy(first, address, UFFDIO_COPY_MODE_WP),
    );
    fact("the page is", state(first));

    answered("one page", uffd.copy(first, address, 0));
    fact("the page is", state(first));
    fact("it holds", text(first));
    answered(
        "to a page that is there",
        uffd.copy(first, page(from, 1).address(), 0),
    );
    answered(
        "from nowhere to a page that is there",
        uffd.copy(first, hole.address(), 0),
    );
    fact("it holds", text(first));
    answered(
        "two pages, dont wake",
        uffd.copy(span.part(PAGE_SIZE, 2 * PAGE_SIZE), address, DONTWAKE),
    );
    fact("the second holds", text(page(span, 2)));
    answered("from any address", uffd.copy(page(span, 4), address + 1, 0));
    fact("its last byte", char::from(byte(page(span, 4), PAGE_SIZE - 1)));
    fact(
        "the byte before it",
        char::from(byte(page(span, 4), PAGE_SIZE - 2)),
    );
    answered(
        "two pages of which the second is there",
        uffd.copy(span.part(3 * PAGE_SIZE, 2 * PAGE_SIZE), address, 0),
    );
    fact("the first holds", text(page(span, 3)));
    page(from, 2).unmap().expect("munmap");
    let rest = pages(2);
    uffd.register(rest, MISSING).expect("UFFDIO_REGISTER");
    answered(
        "two pages from where one is",
        uffd.copy(rest, page(from, 1).address(), 0),
    );
    fact("the second is", state(page(rest, 1)));

    let read_only = Span::map(PAGE_SIZE, PROT_READ, MAP_PRIVATE).expect("mmap");
    uffd.register(read_only, MISSING).expect("UFFDIO_REGISTER");
    answered("to read-only memory", uffd.copy(read_only, address, 0));
    fact("it holds", text(read_only));
    uffd.close();
    fact("after close the pages are", text(first));
}

fn zeros() {
    let (uffd, span) = registered(3);
    answered(
        "off the page",
        uffd.fill_with_zeros(at(span.address() + 8, PAGE_SIZE), 0),
    );
    answered("no length", uffd.fill_with_zeros(span.part(0, 0), 0));
    answered("a mode that nothing is", uffd.fill_with_zeros(page(span, 0), 2));
    answered("to what is not registered", uffd.fill_with_zeros(pages(1), 0));
    answered("one page", uffd.fill_with_zeros(page(span, 1), 0));
    fact("it loads", byte(page(span, 1), 9));
    page(span, 1).store(9, 7);
    fact("after a store", byte(page(span, 1), 9));
    answered("again", uffd.fill_with_zeros(page(span, 1), 0));
    answered("all of which the second is there", uffd.fill_with_zeros(span, 0));
    fact("the third is", state(page(span, 2)));
    uffd.close();
}

fn waking() {
    let (uffd, span) = registered(1);
    fact("nobody", outcome(uffd.wake(span)));
    fact(
        "off the page",
        outcome(uffd.wake(at(span.address() + 8, PAGE_SIZE))),
    );
    fact("no length", outcome(uffd.wake(span.part(0, 0))));
    fact("what is not registered", outcome(uffd.wake(pages(1))));
    uffd.close();
}

/// First and last byte.
fn text(page: Span) -> impl core::fmt::Display {
    let (first, last) = (byte(page, 0), byte(page, PAGE_SIZE - 1));
    core::fmt::from_fn(move |formatter| write!(formatter, "{}..{}", char::from(first), char::from(last)))
}

/// A byte of a page that is there; nobody would serve the load of another.
fn byte(page: Span, offset_bytes: u64) -> u8 {
    assert!(state(page) == "there", "the page is not there");
    page.load(offset_bytes)
}
