//! A signal waits while every thread blocks it, and one for a single thread while that one does.

use core::sync::atomic::{AtomicU32, Ordering::SeqCst};

use abi::linux::process::{SIGTERM, SIGUSR1};
use guest_user::syscall::process;
use guest_user::syscall::signal::{SignalSet, block, send_to_thread, unblock, wait_for};
use guest_user::syscall::thread::thread_id;
use guest_user::{Board, child, thread};

use crate::{fact, send_self, take};

/// How far the threads of a process have come, and what one of them has found.
static STEP: AtomicU32 = AtomicU32::new(0);
static OTHER: AtomicU32 = AtomicU32::new(0);

pub(crate) fn facts() {
    fact(
        "all threads but one block it",
        child::run(|| {
            block(SignalSet::of(&[SIGTERM])).expect("rt_sigprocmask");
            start(|| {
                unblock(SignalSet::of(&[SIGTERM])).expect("rt_sigprocmask");
                reach(1);
                wait_until(2);
            });
            wait_until(1);
            send_self(SIGTERM);
            process::exit(3)
        }),
    );
    fact(
        "a thread begins with its maker's mask",
        child::run(|| {
            block(SignalSet::of(&[SIGTERM])).expect("rt_sigprocmask");
            start(|| {
                reach(1);
                wait_until(2);
            });
            wait_until(1);
            send_self(SIGTERM);
            process::exit(3)
        }),
    );
    fact(
        "another thread takes it",
        child::run(|| {
            let set = SignalSet::of(&[SIGTERM]);
            block(set).expect("rt_sigprocmask");
            let taker = start(move || {
                let taken = wait_for(set, None).expect("rt_sigtimedwait");
                OTHER.store(taken.signal, SeqCst);
            });
            send_self(SIGTERM);
            taker.join();
            process::exit(OTHER.load(SeqCst) as i32)
        }),
    );
    for_one_thread();
}

fn for_one_thread() {
    let board = Board::new();
    let status = child::run(|| {
        block(SignalSet::of(&[SIGUSR1])).expect("rt_sigprocmask");
        let other = start(move || {
            OTHER.store(thread_id() as u32, SeqCst);
            reach(1);
            wait_until(2);
            let taken = wait_for(SignalSet::of(&[SIGUSR1]), None).expect("rt_sigtimedwait");
            board.post(0, u64::from(taken.signal));
            board.post(1, i64::from(taken.code) as u64);
        });
        wait_until(1);
        let tid = OTHER.load(SeqCst) as i32;
        send_to_thread(process::process_id(), tid, SIGUSR1).expect("tgkill");
        board.post(2, u64::from(take(&[SIGUSR1]).0.is_err()));
        reach(2);
        other.join();
    });
    fact("tgkill of a thread that blocks it", status);
    fact("another thread does not find it", board.read(2) == 1);
    fact("that thread does", board.read(0) == u64::from(SIGUSR1));
    fact("its code", board.read(1).cast_signed());
}

fn start(body: impl FnOnce() + Send + 'static) -> thread::Thread {
    thread::spawn(body).expect("clone")
}

fn reach(step: u32) {
    STEP.store(step, SeqCst);
}

fn wait_until(step: u32) {
    while STEP.load(SeqCst) != step {
        process::sched_yield();
    }
}
