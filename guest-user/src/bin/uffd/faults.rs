//! Threads that touch pages which are not there.

use core::sync::atomic::{AtomicU64, Ordering::SeqCst};
use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::syscall::O_NONBLOCK;
use abi::linux::userfaultfd::{
    UFFD_EVENT_PAGEFAULT, UFFD_FEATURE_EXACT_ADDRESS, UFFD_FEATURE_SIGBUS, UFFD_FEATURE_THREAD_ID,
    UFFD_USER_MODE_ONLY, UFFDIO_COPY_MODE_DONTWAKE, UFFDIO_REGISTER_MODE_MISSING as MISSING, UffdMsg,
};
use guest_user::facts::section;
use guest_user::syscall::thread::thread_id;
use guest_user::syscall::{process, time};
use guest_user::thread::{self, Thread};
use guest_user::{Message, Span, Userfaultfd, child};

use crate::{fact, outcome, page, pages};

/// What threads have loaded, plus 1, and how many are about to.
static LOADED: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];
static ABOUT: AtomicU64 = AtomicU64::new(0);
/// Number of a thread.
static NUMBER: AtomicU64 = AtomicU64::new(0);

pub(crate) fn facts() {
    section("one thread", one);
    section("several threads", several);
    section("features", features);
}

pub(crate) fn registered(flags: u64, features: u64, count: u64) -> (Userfaultfd, Span) {
    let uffd = Userfaultfd::open(flags, features);
    let span = pages(count);
    uffd.register(span, MISSING).expect("UFFDIO_REGISTER");
    (uffd, span)
}

/// A thread that loads the byte at an address and leaves it.
pub(crate) fn loader(span: Span, offset_bytes: u64, index: usize) -> Thread {
    LOADED[index].store(0, SeqCst);
    thread::spawn(move || {
        ABOUT.fetch_add(1, SeqCst);
        LOADED[index].store(u64::from(span.load(offset_bytes)) + 1, SeqCst);
    })
    .expect("clone")
}

/// Waits until a loader has loaded and ended.
pub(crate) fn join(thread: Thread, index: usize) {
    let mut patience = 10_000;
    while LOADED[index].load(SeqCst) == 0 {
        assert!(patience > 0, "a thread waits for ever");
        patience -= 1;
        time::sleep(Duration::from_millis(1));
    }
    thread.join();
}

/// What a loader has loaded.
pub(crate) fn loaded(index: usize) -> impl core::fmt::Display {
    let loaded = LOADED[index].load(SeqCst);
    core::fmt::from_fn(move |formatter| match loaded {
        0 => formatter.write_str("nothing yet"),
        byte => write!(formatter, "{}", char::from((byte - 1) as u8).escape_default()),
    })
}

fn source() -> Span {
    let from = pages(1);
    from.store(5, b'x');
    from
}

fn one() {
    let (uffd, span) = registered(O_NONBLOCK, 0, 4);
    let from = source();
    let thread = loader(page(span, 1), 5, 0);
    let message = uffd.next_message();
    fact("told of", message.kind());
    fact("its event", message.0.event == UFFD_EVENT_PAGEFAULT);
    fact("its page", (message.address() - span.address()) / PAGE_SIZE);
    fact("off the page by", message.address() % PAGE_SIZE);
    fact("no thread is told", message.0.thread);
    fact("told again", outcome(uffd.read_message()));
    fact("it has loaded", loaded(0));
    fact(
        "copy to another page",
        outcome(uffd.copy(page(span, 2), from.address(), 0).0),
    );
    fact("it has loaded", loaded(0));
    fact("woken without a page", outcome(uffd.wake(page(span, 1))));
    fact("told of", uffd.next_message().kind());
    let dont_wake = uffd.copy(page(span, 1), from.address(), UFFDIO_COPY_MODE_DONTWAKE);
    fact("a copy that does not wake", outcome(dont_wake.0));
    fact("wake", outcome(uffd.wake(span)));
    join(thread, 0);
    fact("it has loaded", loaded(0));

    let last = page(span, 3);
    let storer = thread::spawn(move || last.store(0, 9)).expect("clone");
    let message = uffd.next_message();
    fact("told of", message.kind());
    fact("zeros", outcome(uffd.fill_with_zeros(last, 0).0));
    storer.join();
    fact("it has stored", last.load(0));
    fact("told of nothing more", outcome(uffd.read_message()));
    uffd.close();

    let (uffd, span) = registered(0, 0, 1);
    let server = thread::spawn(move || {
        let message = uffd.read_message().expect("read");
        let page = crate::server::page_of(message);
        uffd.copy(page, from.address(), 0).0.expect("UFFDIO_COPY");
    });
    join(loader(span, 5, 0), 0);
    server.expect("clone").join();
    fact("read that waits, and a load then", loaded(0));
    uffd.close();
}

fn several() {
    let (uffd, span) = registered(O_NONBLOCK, 0, 4);
    let from = source();
    ABOUT.store(0, SeqCst);
    let threads = [0, 1, 2].map(|index| loader(page(span, index as u64), 5, index));
    while ABOUT.load(SeqCst) < 3 {
        process::sched_yield();
    }
    // They are about to touch their pages, and nothing tells that they have but the messages.
    time::sleep(Duration::from_secs(1));
    let mut messages = [Message(UffdMsg::default()); 4];
    let two = uffd.read_messages(&mut messages[..2]).expect("read");
    let rest = uffd.read_messages(&mut messages[2..]).expect("read");
    fact("room for two", format_args!("{two} messages"));
    fact("room for two more", format_args!("{rest} message"));
    let touched = |index: u64| {
        let address = page(span, index).address();
        messages[..3]
            .iter()
            .filter(|message| message.address() == address)
            .count()
    };
    fact("of each page", [0, 1, 2].map(touched) == [1; 3]);
    fact(
        "all at once",
        outcome(uffd.copy(span.part(0, PAGE_SIZE), from.address(), 0).0),
    );
    fact(
        "the others",
        outcome(uffd.fill_with_zeros(span.part(PAGE_SIZE, 3 * PAGE_SIZE), 0).0),
    );
    threads
        .into_iter()
        .zip(0..)
        .for_each(|(thread, index)| join(thread, index));
    for index in 0..3 {
        fact("loaded", loaded(index));
    }
    let (last_uffd, last) = registered(O_NONBLOCK, 0, 1);
    let threads = [0, 1].map(|index| loader(last, 5, index));
    let same = [last_uffd.next_message(), last_uffd.next_message()];
    fact(
        "two of one page",
        same.iter().all(|message| message.address() == last.address()),
    );
    fact("one copy", outcome(last_uffd.copy(last, from.address(), 0).0));
    threads
        .into_iter()
        .zip(0..)
        .for_each(|(thread, index)| join(thread, index));
    fact("loaded", format_args!("{} and {}", loaded(0), loaded(1)));
    last_uffd.close();
    uffd.close();
}

fn features() {
    let (uffd, span) = registered(O_NONBLOCK, UFFD_FEATURE_EXACT_ADDRESS | UFFD_FEATURE_THREAD_ID, 1);
    let thread = thread::spawn(move || {
        NUMBER.store(thread_id() as u64, SeqCst);
        let _ = span.load(77);
    })
    .expect("clone");
    let message = uffd.next_message();
    fact("the exact address", message.address() - span.address());
    fact("the thread", u64::from(message.0.thread) == NUMBER.load(SeqCst));
    uffd.fill_with_zeros(span, 0).0.expect("UFFDIO_ZEROPAGE");
    thread.join();
    uffd.close();
    let fate = child::run(|| {
        let (_, span) = registered(O_NONBLOCK, UFFD_FEATURE_SIGBUS, 1);
        let _ = span.load(0);
    });
    fact("a load where faults are SIGBUS", fate);
    let fate = child::run(|| {
        let (uffd, span) = registered(UFFD_USER_MODE_ONLY | O_NONBLOCK, 0, 1);
        let thread = loader(span, 5, 0);
        crate::server::serve(uffd, uffd.next_message(), crate::server::Service::Zeros);
        join(thread, 0);
    });
    fact("a load where faults in user mode are served", fate);
}
