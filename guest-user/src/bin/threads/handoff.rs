//! Two threads that take turns, each asleep while it is the other's.

use core::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

use guest_user::syscall::futex;

use crate::{fact, start};

const ROUNDS: u32 = 20;

/// Turns taken so far: the even ones are the first thread's.
static TURNS: AtomicU32 = AtomicU32::new(0);
/// Turns that began with another number than the one that was waited for.
static OUT_OF_TURN: AtomicU32 = AtomicU32::new(0);

pub(crate) fn facts() {
    let other = start(|| (0..ROUNDS).for_each(|round| take_turn(2 * round + 1)));
    (0..ROUNDS).for_each(|round| take_turn(2 * round));
    other.join();
    fact("turns taken", TURNS.load(Relaxed));
    fact("out of turn", OUT_OF_TURN.load(Relaxed));
}

fn take_turn(turn: u32) {
    loop {
        match TURNS.load(Acquire) {
            now if now == turn => break,
            now if now > turn => {
                OUT_OF_TURN.fetch_add(1, Relaxed);
                break;
            }
            // Whatever the answer is, the word tells whose turn it is.
            now => drop(futex::wait(&TURNS, now, None)),
        }
    }
    TURNS.store(turn + 1, Release);
    futex::wake(&TURNS, 1).expect("futex");
}
