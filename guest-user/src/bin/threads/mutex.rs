//! A lock made of a futex, and a counter that is right only if the lock is.

use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use guest_user::syscall::{futex, process};
use guest_user::thread::Thread;

use crate::{fact, start};

const THREADS: u64 = 4;
const INCREMENTS: u64 = 25;

static LOCK: Mutex = Mutex::new();
static COUNTER: AtomicU64 = AtomicU64::new(0);
static INSIDE: AtomicU32 = AtomicU32::new(0);
static COLLISIONS: AtomicU32 = AtomicU32::new(0);

pub(crate) fn facts() {
    let threads = [(); THREADS as usize].map(|()| start(count));
    threads.into_iter().for_each(Thread::join);
    fact("threads that met inside the lock", COLLISIONS.load(Relaxed));
    fact(
        "all increments are in the counter",
        COUNTER.load(Relaxed) == THREADS * INCREMENTS,
    );
}

fn count() {
    for _ in 0..INCREMENTS {
        LOCK.with(|| {
            COLLISIONS.fetch_add(INSIDE.fetch_add(1, Relaxed), Relaxed);
            let value = COUNTER.load(Relaxed);
            // Whoever comes in now would read the same value.
            process::sched_yield();
            COUNTER.store(value + 1, Relaxed);
            INSIDE.fetch_sub(1, Relaxed);
        });
    }
}

/// Free, locked, or locked while others may sleep: only the last one costs whoever unlocks a system call.
struct Mutex(AtomicU32);

const FREE: u32 = 0;
const LOCKED: u32 = 1;
const CONTENDED: u32 = 2;

impl Mutex {
    const fn new() -> Self {
        Self(AtomicU32::new(FREE))
    }

    fn with(&self, body: impl FnOnce()) {
        if self.0.compare_exchange(FREE, LOCKED, Acquire, Relaxed).is_err() {
            while self.0.swap(CONTENDED, Acquire) != FREE {
                // Whatever the answer is, the word tells whether the lock is free.
                let _ = futex::wait(&self.0, CONTENDED, None);
            }
        }
        body();
        if self.0.swap(FREE, Release) == CONTENDED {
            futex::wake(&self.0, 1).expect("futex");
        }
    }
}
