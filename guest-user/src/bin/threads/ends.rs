//! How threads end their process, and how they do not. Each case is a child's.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};
use core::time::Duration;

use abi::linux::process::SIGKILL;
use abi::paging::USER_END;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::thread::exit_thread;
use guest_user::syscall::time::sleep;
use guest_user::syscall::{Outcome, futex};
use guest_user::{Board, Span, child};

use crate::{fact, start};

/// Nobody ever changes it.
static BED: AtomicU32 = AtomicU32::new(0);
/// Words on boards.
const READY: u64 = 0;
const REACHED: u64 = 0;

pub(crate) fn facts() {
    let case = |what, body: fn()| fact(what, child::run(body));
    case("the first thread exits while others sleep", || {
        start(sleep_for_ever);
        start(sleep_for_ever);
        process::sched_yield();
        process::exit(3)
    });
    case("another thread exits while the first sleeps", || {
        start(|| process::exit(4));
        sleep_for_ever();
    });
    case("another thread faults", || {
        start(load_from_nowhere);
        sleep_for_ever();
    });
    case("another thread ends, and the first does not", || {
        start(|| exit_thread(5)).join();
        process::exit(6)
    });
    the_first_thread_ends_first();
    killed_asleep();
    the_child_of_a_thread();
}

fn the_first_thread_ends_first() {
    let board = Board::new();
    let status = child::run(|| {
        start(move || {
            sleep(Duration::from_millis(20));
            board.post(REACHED, 1);
            exit_thread(7)
        });
        exit_thread(7)
    });
    fact("the first thread ends, and another one later", status);
    fact("that one got to its end", board.read(REACHED) == 1);
}

fn killed_asleep() {
    let board = Board::new();
    let process = child::start(|| {
        start(sleep_for_ever);
        start(move || {
            board.post(READY, 1);
            sleep_for_ever();
        });
        sleep_for_ever();
    });
    board.wait_for(READY, 1);
    fact(
        "kill of a process whose threads sleep",
        Outcome::from(process::kill(process, SIGKILL.into())),
    );
    fact("it ended with", WaitOutcome(process::wait(process, 0)));
}

/// fork takes along the thread that calls it and no other.
fn the_child_of_a_thread() {
    static STEPS: AtomicU32 = AtomicU32::new(0);
    let status = child::run(|| {
        start(|| {
            loop {
                STEPS.fetch_add(1, Relaxed);
                process::sched_yield();
            }
        });
        while STEPS.load(Relaxed) == 0 {
            process::sched_yield();
        }
        let grandchild = child::run(|| {
            let steps = STEPS.load(Relaxed);
            (0..10).for_each(|_| process::sched_yield());
            process::exit((STEPS.load(Relaxed) - steps) as i32)
        });
        process::exit(if child::exited_with(grandchild, 0) { 0 } else { 1 })
    });
    fact("fork takes along no other thread", child::exited_with(status, 0));
}

fn sleep_for_ever() {
    loop {
        let _ = futex::wait(&BED, 0, None);
    }
}

#[allow(unsafe_code, reason = "names an address that is none")]
fn load_from_nowhere() {
    // SAFETY: no Rust object lies past the user half.
    let _ = unsafe { Span::at(USER_END, 1) }.load(0);
}
