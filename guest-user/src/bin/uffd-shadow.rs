//! A shadow page table of memory whose faults a program serves: what UFFDIO_COPY puts there is in the table at once.
#![no_std]
#![no_main]

use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{UFFDIO_COPY_MODE_WP, UFFDIO_REGISTER_MODE_MISSING, UFFDIO_REGISTER_MODE_WP};
use guest_user::facts::fact;
use guest_user::pages::{page, private_pages};
use guest_user::{Arguments, Inspector, Userfaultfd, program};

program!(main);

const PAGES: u64 = 3;

fn main(arguments: Arguments) -> i32 {
    let span = private_pages(PAGES);
    let from = private_pages(1);
    from.store(0, 1);
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    uffd.register(span, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP)
        .expect("UFFDIO_REGISTER");
    let mut inspector = Inspector::start(arguments, span);
    let mut look = || {
        let mapped = inspector.look().mapped;
        core::fmt::from_fn(move |formatter| write!(formatter, "{mapped:03b}"))
    };
    let page = |index| page(span, index);
    fact("mapped, last page first", look());
    uffd.copy(page(0), from.address(), 0).0.expect("UFFDIO_COPY");
    fact("after a copy", look());
    uffd.copy(page(2), from.address(), UFFDIO_COPY_MODE_WP)
        .0
        .expect("UFFDIO_COPY");
    fact("after one that is protected", look());
    uffd.fill_with_zeros(page(1), 0).0.expect("UFFDIO_ZEROPAGE");
    fact("after zeros", look());
    page(0).unmap().expect("munmap");
    fact("after munmap", look());
    inspector.end();
    0
}
