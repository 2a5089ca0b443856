//! futex: when it does not sleep, how long it does, and whom it wakes.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_NONE};
use guest_user::Span;
use guest_user::syscall::time::{Timespec, now};
use guest_user::syscall::{Outcome, futex, process};
use guest_user::thread::Thread;

use crate::{fact, start};

const TIMEOUT: Duration = Duration::from_millis(20);

pub(crate) fn facts() {
    let word = AtomicU32::new(7);
    fact(
        "a wait for another value",
        Outcome::from(futex::wait(&word, 8, None)),
    );
    let before = now().expect("clock_gettime");
    fact(
        "a wait with a timeout",
        Outcome::from(futex::wait(&word, 7, Some(TIMEOUT.into()))),
    );
    let waited = now().expect("clock_gettime") - before;
    fact("it took as long as it should", waited >= TIMEOUT);
    fact(
        "a wait of no time",
        Outcome::from(futex::wait(&word, 7, Some(Timespec::default()))),
    );
    let bad_time = Timespec {
        seconds: 0,
        nanoseconds: -1,
    };
    fact(
        "a wait of a negative time",
        Outcome::from(futex::wait(&word, 7, Some(bad_time))),
    );
    let address = word.as_ptr() as u64;
    fact(
        "a wait on a misaligned word",
        Outcome::from(futex::wait_at(address + 1, 7, None)),
    );
    let no_access = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    fact(
        "a wait on a word without access",
        Outcome::from(futex::wait_at(no_access.address(), 7, None)),
    );
    fact("a wake that nobody waits for", woken(&word, u32::MAX));
    one_of_three();
}

/// Three threads sleep on this word.
static BED: AtomicU32 = AtomicU32::new(0);
/// How many of them are awake again.
static AWAKE: AtomicU32 = AtomicU32::new(0);

fn one_of_three() {
    let sleepers = [(); 3].map(|()| {
        start(|| {
            futex::wait(&BED, 0, None).expect("futex");
            AWAKE.fetch_add(1, Relaxed);
        })
    });
    // None may have gone to sleep yet, so try until one is woken.
    let first = wake_until(1, 1);
    while AWAKE.load(Relaxed) == 0 {
        process::sched_yield();
    }
    fact("three sleep, one is woken", first);
    fact("and no other", AWAKE.load(Relaxed));
    fact("the others are woken", wake_until(2, u32::MAX));
    sleepers.into_iter().for_each(Thread::join);
    fact("all are awake", AWAKE.load(Relaxed));
}

/// Wakes at most `at_most` at a time until `count` were woken in all, and gives how many were.
fn wake_until(count: u32, at_most: u32) -> u32 {
    let mut total = 0;
    while total < count {
        total += woken(&BED, at_most);
        process::sched_yield();
    }
    total
}

fn woken(word: &AtomicU32, at_most: u32) -> u32 {
    futex::wake(word, at_most).expect("futex")
}
