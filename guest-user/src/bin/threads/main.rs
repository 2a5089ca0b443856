//! Threads: what they share, what they have of their own, how they sleep and wake each other, and how they end.
//!
//! Everything is printed by the process's first thread, so that the order of lines is no scheduler's.
#![no_std]
#![no_main]

mod ends;
mod futexes;
mod handoff;
mod local;
mod mutex;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use guest_user::facts::{fact, section};
use guest_user::syscall::process;
use guest_user::syscall::thread::thread_id;
use guest_user::thread::{self, Thread};
use guest_user::{Arguments, program};

program!(main);

fn main(_: Arguments) -> i32 {
    section("spawn and join", shared_memory);
    section("futex", futexes::facts);
    section("mutex", mutex::facts);
    section("hand-off", handoff::facts);
    section("thread-local storage", local::facts);
    section("ends", ends::facts);
    0
}

/// Threads that [`shared_memory`] starts.
const THREADS: usize = 4;
/// Number of each of these threads, as it stores it itself.
static NUMBERS: [AtomicU32; THREADS] = [const { AtomicU32::new(0) }; THREADS];

fn shared_memory() {
    let process = process::process_id();
    fact(
        "the first thread has the process's number",
        thread_id() == process,
    );
    let threads = [0, 1, 2, 3].map(|index: usize| {
        start(move || {
            assert_eq!(process::process_id(), process, "one process");
            NUMBERS[index].store(thread_id() as u32, Relaxed);
            // Until all are there: the number of one that has ended may be given again.
            while NUMBERS.iter().any(|number| number.load(Relaxed) == 0) {
                process::sched_yield();
            }
        })
    });
    threads.into_iter().for_each(Thread::join);
    let numbers = NUMBERS.each_ref().map(|number| number.load(Relaxed));
    fact(
        "stores are seen by the one that joins",
        numbers.iter().all(|&number| number != 0),
    );
    let own = (0..THREADS)
        .filter(|&index| numbers[index] != process as u32 && !numbers[..index].contains(&numbers[index]));
    fact("threads with a number of their own", own.count());
}

/// As [`thread::spawn`], which has no reason to fail here.
fn start(body: impl FnOnce() + Send + 'static) -> Thread {
    thread::spawn(body).expect("clone")
}
