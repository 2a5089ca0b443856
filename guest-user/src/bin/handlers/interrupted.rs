//! System calls during which a handler runs.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};
use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::poll::{POLLIN, PollFd};
use abi::linux::process::{SIGKILL, SIGUSR1, SIGUSR2};
use abi::linux::signal::{SA_RESTART, SIGSET_BYTES};
use abi::linux::userfaultfd::UFFDIO_REGISTER_MODE_MISSING;
use guest_user::syscall::handler::{Action, Context, Information};
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::signal::{
    SignalSet, block, pause, pending, send_to_any_thread, suspend, unblock, wait_for,
};
use guest_user::syscall::thread::thread_id;
use guest_user::syscall::time::{self, Timespec};
use guest_user::syscall::{Errno, Outcome, file, futex, poll};
use guest_user::{Board, Span, Userfaultfd, child, thread};

use crate::{fact, on, record, runs, send_self};

/// After so long the signal comes.
const SOON: Duration = Duration::from_millis(20);
/// Longer than that by far.
const LONG: Duration = Duration::from_secs(20);

static WORD: AtomicU32 = AtomicU32::new(0);

/// Wakes whoever waits for the word, so that a wait that is made again ends, and tells that it ran.
extern "C" fn change_word(signal: u32, information: &Information, context: &mut Context) {
    record(signal, information, context);
    WORD.store(1, SeqCst);
}

pub(crate) fn facts() {
    let restarting = Action::run(record).with(SA_RESTART);
    let once_returned = End::OnceReturned(Board::new());
    for (what, action, end) in [
        ("EINTR", Action::run(record), once_returned),
        ("SA_RESTART", restarting, End::Later),
    ] {
        guest_user::println!(" {what}");
        on(SIGUSR1, action);
        sleeps();
        waits(end);
        futexes(end);
        files(end);
        signals();
        fact("handlers ran", runs() > 0);
    }
    guest_user::println!(" no handler");
    ignored();
    guest_user::println!(" threads");
    threads();
}

/// Runs `call`, during which SIGUSR1 is sent: again and again, because nobody knows when the call has begun.
fn during<T>(call: impl FnOnce() -> T) -> T {
    let parent = process::process_id();
    let sender = child::start(|| {
        loop {
            time::sleep(SOON);
            process::kill(parent, SIGUSR1.into()).expect("kill");
        }
    });
    let result = call();
    process::kill(sender, SIGKILL.into()).expect("kill");
    while process::wait(sender, 0) == Err(INTERRUPTED) {}
    result
}

/// When what a call waits for comes.
#[derive(Clone, Copy)]
enum End {
    /// Some signals later: the call starts again after each.
    Later,
    /// When the call has returned, so that only a handler can have ended it: a word on the board says that it has.
    OnceReturned(Board),
}

impl End {
    /// A call begins.
    fn begins(self) {
        if let End::OnceReturned(board) = self {
            board.post(0, 0);
        }
    }

    /// It has returned.
    fn returned(self) {
        if let End::OnceReturned(board) = self {
            board.post(0, 1);
        }
    }

    /// Waits until what it waits for is to come.
    fn wait(self) {
        match self {
            End::Later => time::sleep(3 * SOON),
            End::OnceReturned(board) => {
                while board.read(0) == 0 {
                    time::sleep(SOON);
                }
            }
        }
    }
}

/// The window has another size; ignored by default.
const SIGWINCH: u32 = 28;
const INTERRUPTED: Errno = Errno(abi::linux::errno::EINTR);

fn outcome<T>(what: &str, call: impl FnOnce() -> Result<T, Errno>) {
    fact(what, Outcome::from(during(call)));
}

fn sleeps() {
    let mut remaining = Timespec::default();
    outcome("nanosleep", || {
        time::nanosleep_remaining(LONG.into(), &mut remaining)
    });
    let is_plausible = (15..20).contains(&remaining.seconds);
    fact("what remains is told", is_plausible);
    let until = time::now().expect("clock_gettime") + LONG;
    outcome("clock_nanosleep until a moment", || time::sleep_until(until));
}

fn waits(end: End) {
    end.begins();
    let child = child::start(|| {
        end.wait();
        process::exit(5);
    });
    fact("wait4", during(|| WaitOutcome(process::wait(child, 0))));
    end.returned();
    while process::wait(child, 0) == Err(INTERRUPTED) {}
}

fn futexes(end: End) {
    end.begins();
    let waker = || {
        thread::spawn(move || {
            let own = SignalSet::of(&[SIGUSR1]);
            block(own).expect("rt_sigprocmask");
            end.wait();
            while futex::wake(&WORD, 1) == Ok(0) && WORD.load(SeqCst) == 0 {
                time::sleep(SOON);
            }
        })
        .expect("clone")
    };
    WORD.store(0, SeqCst);
    let other = waker();
    outcome("futex", || futex::wait(&WORD, 0, None));
    WORD.store(1, SeqCst);
    end.returned();
    other.join();
    WORD.store(0, SeqCst);
    outcome("futex with a timeout", || {
        futex::wait(&WORD, 0, Some(LONG.into()))
    });
}

fn files(end: End) {
    let mut fds = [PollFd {
        fd: -1,
        events: POLLIN,
        revents: 0,
    }];
    outcome("poll", || poll::poll(&mut fds, 20_000));
    outcome("poll for ever", || poll::poll(&mut fds, -1));
    let span = Span::map(2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    let uffd = Userfaultfd::open(0, 0);
    uffd.register(span, UFFDIO_REGISTER_MODE_MISSING)
        .expect("UFFDIO_REGISTER");
    end.begins();
    let toucher = thread::spawn(move || {
        block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
        end.wait();
        let _ = span.load(0);
    })
    .expect("clone");
    let into = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    outcome("read of a userfaultfd", || file::read_span(uffd.fd, into));
    end.returned();
    uffd.close();
    toucher.join();
}

fn signals() {
    let other = SignalSet::of(&[SIGUSR2]);
    block(other).expect("rt_sigprocmask");
    outcome("rt_sigtimedwait", || wait_for(other, Some(LONG.into())));
    outcome("for ever", || wait_for(other, None));
    outcome("rt_sigsuspend", || suspend(other, SIGSET_BYTES));
    let blocked = unblock(other).expect("rt_sigprocmask");
    fact("the mask is as before", blocked == other);
    outcome("pause", pause);
    block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    send_self(SIGUSR1);
    fact(
        "rt_sigsuspend with one that waits",
        Outcome::from(suspend(SignalSet::default(), SIGSET_BYTES)),
    );
    let blocked = unblock(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    fact("it is blocked again", blocked.contains(SIGUSR1));
    fact("with a set of 4 bytes", Outcome::from(suspend(other, 4)));
}

/// Signals that nobody is told of end no call.
fn ignored() {
    // On a busy machine the sender can come after the sleep.
    let case = |what, action, has_come: fn() -> bool| {
        on(SIGUSR1, action);
        let before = time::now().expect("clock_gettime");
        outcome(what, || {
            let slept = time::nanosleep((3 * SOON).into());
            while !has_come() {
                process::sched_yield();
            }
            slept
        });
        let after = time::now().expect("clock_gettime");
        fact("it took its time", after - before >= 3 * SOON);
    };
    case("ignored", Action::IGNORE, || true);
    on(SIGUSR1, Action::run(record));
    block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    case("blocked", Action::run(record), || {
        pending().is_ok_and(|signals| signals.contains(SIGUSR1))
    });
    unblock(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
    fact("then unblocked", runs().min(1));
    let parent = process::process_id();
    let sender = child::start(|| {
        time::sleep(SOON);
        process::kill(parent, SIGWINCH.into()).expect("kill");
    });
    fact(
        "ignored by default",
        Outcome::from(time::nanosleep((3 * SOON).into())),
    );
    process::wait(sender, 0).expect("wait4");
}

static TAKER: AtomicU32 = AtomicU32::new(0);

extern "C" fn record_thread(_: u32, _: &Information, _: &mut Context) {
    TAKER.store(thread_id().cast_unsigned(), SeqCst);
}

fn threads() {
    on(SIGUSR1, Action::run(record_thread));
    let board = Board::new();
    let signal = SignalSet::of(&[SIGUSR1]);
    // Whoever waits for a signal lets it in by the call that waits, so that it does not come before.
    let waits = || u64::from(suspend(SignalSet::default(), SIGSET_BYTES) == Err(INTERRUPTED));
    let other = thread::spawn(move || {
        block(signal).expect("rt_sigprocmask");
        board.post(0, u64::from(thread_id().cast_unsigned()));
        board.post(1, waits());
        unblock(signal).expect("rt_sigprocmask");
        board.wait_for(5, 1);
        send_self(SIGUSR1);
        board.post(2, 1);
    })
    .expect("clone");
    let tid = board.wait_for_any(0);
    send_to_any_thread(tid as i32, SIGUSR1).expect("tkill");
    let _ = board.wait_for_any(1);
    fact(
        "a thread's signal is its own",
        u64::from(TAKER.load(SeqCst)) == tid,
    );
    board.post(5, 1);
    let _ = board.wait_for_any(2);
    other.join();
    fact(
        "a process's signal is its first thread's",
        TAKER.load(SeqCst) == process::process_id().cast_unsigned(),
    );
    block(signal).expect("rt_sigprocmask");
    let other = thread::spawn(move || board.post(4, waits())).expect("clone");
    send_self(SIGUSR1);
    other.join();
    fact("another one's that does not block it", board.read(4) == 1);
    fact(
        "it has run there",
        TAKER.load(SeqCst) != process::process_id().cast_unsigned(),
    );
    unblock(signal).expect("rt_sigprocmask");
    a_fault_that_is_served();
    on(SIGUSR1, Action::run(change_word).with(SA_RESTART));
    WORD.store(0, SeqCst);
    outcome("a word that the handler changes", || futex::wait(&WORD, 0, None));
    runs();
    on(SIGUSR1, Action::DEFAULT);
}

/// A thread that waits for a page has its handler run, and waits for the page again.
fn a_fault_that_is_served() {
    on(SIGUSR1, Action::run(record));
    let board = Board::new();
    let span = Span::map(PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    let uffd = Userfaultfd::open(0, 0);
    uffd.register(span, UFFDIO_REGISTER_MODE_MISSING)
        .expect("UFFDIO_REGISTER");
    let other = thread::spawn(move || {
        board.post(0, u64::from(thread_id().cast_unsigned()));
        board.post(1, u64::from(span.load(0)) + 1);
    })
    .expect("clone");
    let tid = board.wait_for_any(0);
    time::sleep(SOON);
    send_to_any_thread(tid as i32, SIGUSR1).expect("tkill");
    while crate::RUNS.load(SeqCst) == 0 {
        process::sched_yield();
    }
    fact("a handler runs in a thread that waits for a page", runs());
    time::sleep(SOON);
    fact("which is not there yet", board.read(1));
    let (filled, _) = uffd.fill_with_zeros(span, 0);
    fact("zeros", Outcome::from(filled));
    other.join();
    fact("it has loaded", board.read(1) == 1);
    uffd.close();
}
