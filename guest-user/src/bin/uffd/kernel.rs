//! The kernel's own copies from and to pages that a program provides.

use abi::linux::syscall::{O_NONBLOCK, O_RDONLY};
use abi::linux::userfaultfd::{UFFD_FEATURE_SIGBUS, UFFD_USER_MODE_ONLY};
use guest_user::output::STANDARD_OUTPUT;
use guest_user::syscall::{file, futex, process};
use guest_user::{Span, Userfaultfd, child, println};

use crate::faults::registered;
use crate::server::{Service, told, while_serving, with_copy};
use crate::{at, fact, outcome, page, pages};

pub(crate) fn facts() {
    println!("copies");
    let from = pages(1);
    let text = b"  this line was not there\n";
    for (offset, byte) in (0..).zip(text) {
        from.store(offset, *byte);
    }
    let (uffd, span) = registered(O_NONBLOCK, 0, 12);
    let mut next = (0..).map(|index| page(span, index));
    let mut fresh = || next.next().expect("as many pages as are wanted");

    let line = fresh().part(0, text.len() as u64);
    let written = with_copy(uffd, from, || file::write_span(STANDARD_OUTPUT, line));
    fact("write", written.expect("write"));
    fact("told of", told());
    let (_, behind) = (fresh(), fresh());
    let across = at(behind.address() - 8, 16);
    let two = while_serving(uffd, Service::Zeros, 2, || read_maps(across));
    fact("read into two pages", outcome(two));
    fact("told of", told());
    fact("it has read", across.load(0) != 0 && across.load(15) != 0);
    let word = fresh();
    let waited = with_copy(uffd, from, || futex::wait_at(word.address(), 1, None));
    fact("futex", outcome(waited));
    let status = fresh();
    let child = child::start(|| process::exit(3));
    let waited = while_serving(uffd, Service::Zeros, 1, || wait_into(child, status.address()));
    fact("wait4", format_args!("{}, {}", waited, status.load(1)));
    fact("told of", told());
    let entry = fresh();
    let polled = while_serving(uffd, Service::Zeros, 1, || poll_at(entry.address()));
    fact("poll", polled);
    fact("told of", told());

    let mem = file::open(c"/proc/self/mem", O_RDONLY).expect("open");
    let read = file::read_at(mem, &mut [0], fresh().address());
    fact("through /proc/self/mem", outcome(read));
    file::close(mem).expect("close");
    uffd.close();
    println!("refusals");
    refused(
        "where faults in user mode are served",
        registered(UFFD_USER_MODE_ONLY | O_NONBLOCK, 0, 1),
    );
    refused(
        "where faults are SIGBUS",
        registered(O_NONBLOCK, UFFD_FEATURE_SIGBUS, 1),
    );
}

fn refused(name: &str, (uffd, span): (Userfaultfd, Span)) {
    fact(name, outcome(file::write_span(STANDARD_OUTPUT, span)));
    uffd.close();
}

/// Reads a little of a file that is always there.
fn read_maps(into: Span) -> Result<usize, guest_user::syscall::Errno> {
    let fd = file::open(c"/proc/self/maps", O_RDONLY).expect("open");
    let read = file::read_span(fd, into);
    file::close(fd).expect("close");
    read
}

#[allow(unsafe_code, reason = "a status where nothing of Rust's is")]
fn wait_into(child: i32, address: u64) -> guest_user::syscall::Outcome {
    // SAFETY: the page is of a span.
    outcome(unsafe { process::wait_into(child, address) })
}

/// Polls standard input for nothing.
#[allow(unsafe_code, reason = "an entry where nothing of Rust's is")]
fn poll_at(address: u64) -> guest_user::syscall::Outcome {
    // SAFETY: the page is of a span.
    outcome(unsafe { guest_user::syscall::poll::poll_at(address, 1, 0) })
}
