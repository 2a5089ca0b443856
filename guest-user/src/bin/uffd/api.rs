//! The descriptor: who gets one, what is agreed on, and what it answers.

use abi::linux::mman::{MAP_PRIVATE, PROT_READ};
use abi::linux::poll::{POLLERR, POLLIN, POLLNVAL, POLLOUT, PollFd};
use abi::linux::syscall::{O_CLOEXEC, O_NONBLOCK};
use abi::linux::userfaultfd::{
    API_IOCTL_API, API_IOCTL_REGISTER, API_IOCTL_UNREGISTER, UFFD_API, UFFD_FEATURE_EXACT_ADDRESS,
    UFFD_FEATURE_PAGEFAULT_FLAG_WP, UFFD_FEATURE_SIGBUS, UFFD_FEATURE_THREAD_ID, UFFD_USER_MODE_ONLY,
    UFFDIO_API, UFFDIO_COPY, UFFDIO_REGISTER, UFFDIO_REGISTER_MODE_MISSING, UffdioApi,
};
use guest_user::facts::section;
use guest_user::syscall::poll::{poll, poll_at};
use guest_user::syscall::{credentials, file};
use guest_user::{Board, Span, Userfaultfd, child};

use crate::{fact, outcome, pages};

const UNKNOWN: u64 = 1 << 40;
const NOBODY: u32 = 65534;

pub(crate) fn facts() {
    section("who", who);
    section("handshake", handshake);
    section("requests", requests);
    section("poll", polling);
}

fn who() {
    let new = |flags| outcome(Userfaultfd::new(flags).map(Userfaultfd::close));
    fact("the superuser", new(O_CLOEXEC | O_NONBLOCK));
    fact("with a flag that nothing has", new(1 << 5));
    let board = Board::new();
    child::run(|| {
        credentials::set_user_id(NOBODY).expect("setuid");
        let number = |flags| match Userfaultfd::new(flags) {
            Ok(_) => 0,
            Err(errno) => errno.0 as u64,
        };
        board.post(0, number(0));
        board.post(1, number(UFFD_USER_MODE_ONLY));
        board.post(2, number(1 << 5));
        board.post(3, number(UFFD_USER_MODE_ONLY | 1 << 5));
    });
    let posted = |index| outcome(guest_user::syscall::from_raw(-(board.read(index) as i64)));
    fact("somebody else", posted(0));
    fact("for faults in user mode", posted(1));
    fact("with a flag that nothing has", posted(2));
    fact("both", posted(3));
}

fn handshake() {
    let uffd = Userfaultfd::new(O_NONBLOCK).expect("userfaultfd");
    let span = pages(1);
    let register = || outcome(uffd.register(span, UFFDIO_REGISTER_MODE_MISSING));
    fact("register before", register());
    fact("read before", outcome(uffd.read_message()));
    fact("poll before", ready(uffd, POLLIN));
    let mut argument = UffdioApi {
        api: UFFD_API + 1,
        features: 1,
        ioctls: 1,
    };
    fact("another version", outcome(uffd.shake_hands_into(&mut argument)));
    fact("leaves zeros", argument == UffdioApi::default());
    argument = UffdioApi {
        api: UFFD_API,
        features: UNKNOWN,
        ioctls: 1,
    };
    fact(
        "a feature that nothing has",
        outcome(uffd.shake_hands_into(&mut argument)),
    );
    fact("leaves zeros", argument == UffdioApi::default());
    fact("register then", register());
    fact("nowhere", outcome(uffd.request_at(UFFDIO_API, nowhere())));

    let answer = uffd.shake_hands(UFFD_API, 0).expect("UFFDIO_API");
    for (name, feature) in [
        ("write protection", UFFD_FEATURE_PAGEFAULT_FLAG_WP),
        ("SIGBUS", UFFD_FEATURE_SIGBUS),
        ("numbers of threads", UFFD_FEATURE_THREAD_ID),
        ("exact addresses", UFFD_FEATURE_EXACT_ADDRESS),
    ] {
        fact(name, answer.features & feature != 0);
    }
    fact(
        "requests are handshake, register, unregister",
        answer.ioctls == API_IOCTL_API | API_IOCTL_REGISTER | API_IOCTL_UNREGISTER,
    );
    fact("again", outcome(uffd.shake_hands(UFFD_API, 0)));
    fact("register after", register());
    uffd.close();
}

fn requests() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    fact("nothing to read", outcome(uffd.read_message()));
    fact("room for too little", outcome(file::read(uffd.fd, &mut [0; 31])));
    fact("room for nothing", outcome(file::read(uffd.fd, &mut [])));
    fact("write", outcome(file::write(uffd.fd, b"x")));
    fact("position", file::seek(uffd.fd, 5, 0).expect("lseek"));
    fact(
        "mmap",
        outcome(Span::map_file(uffd.fd, 0, abi::PAGE_SIZE, PROT_READ, MAP_PRIVATE)),
    );
    fact(
        "a request that nothing is",
        outcome(uffd.request_at(0xaa77, nowhere())),
    );
    fact(
        "register nowhere",
        outcome(uffd.request_at(UFFDIO_REGISTER, nowhere())),
    );
    fact("copy nowhere", outcome(uffd.request_at(UFFDIO_COPY, nowhere())));
    uffd.close();
    fact("after close", outcome(uffd.read_message()));
}

fn polling() {
    let uffd = Userfaultfd::open(O_NONBLOCK, 0);
    fact("no message", ready(uffd, POLLIN));
    uffd.close();
    fact("a descriptor that is closed", ready(uffd, POLLIN));
    let waits = Userfaultfd::open(0, 0);
    fact("one that waits in read", ready(waits, POLLIN));
    waits.close();
    let passed_over = Userfaultfd { fd: -1 };
    fact("a negative one", ready(passed_over, POLLIN));
    fact("none, for a time", outcome(poll(&mut [], 10)));
    let mut two = [-1, 1].map(|fd| PollFd {
        fd,
        events: POLLOUT,
        revents: 0,
    });
    fact("two of which one is ready", poll(&mut two, -1).expect("poll"));
    fact("the other's answer", two[0].revents);
    fact("nowhere", at_address(nowhere().address(), 1));
    fact("too many", at_address(nowhere().address(), u64::from(u32::MAX)));
}

#[allow(unsafe_code, reason = "poll of what is not there")]
fn at_address(address: u64, count: u64) -> guest_user::syscall::Outcome {
    // SAFETY: nothing of Rust's lies there.
    outcome(unsafe { poll_at(address, count, 0) })
}

/// What poll says at once.
fn ready(uffd: Userfaultfd, events: u16) -> &'static str {
    let mut fds = [PollFd {
        fd: uffd.fd,
        events,
        revents: u16::MAX,
    }];
    let count = poll(&mut fds, 0).expect("poll");
    match (count, fds[0].revents) {
        (0, 0) => "nothing",
        (1, POLLIN) => "POLLIN",
        (1, POLLERR) => "POLLERR",
        (1, POLLNVAL) => "POLLNVAL",
        _ => "something else",
    }
}

/// An address at which nothing is.
fn nowhere() -> Span {
    crate::at(8, 8)
}
