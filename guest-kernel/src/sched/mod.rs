//! Who runs next, and what time it is.
//!
//! Round robin: the queue holds the threads that could run, without the one that does. A thread gives way when it yields, when
//! it sleeps, when it ends, and when it has used up its time slice while others could run. The kernel itself is never
//! interrupted; where it does much at once it offers to give way ([`reschedule_point`]).
//!
//! - `queue`: the threads that could run; `timers`: those that wait for a moment
//! - `waiters`: those that wait for something else; `clock`: ticks and time; `futex`: threads that wait for a word in memory to be announced
//! - `choice`: reschedule points at which the VMM decides
//!
//! When nothing can run, a clock that only the VMM moves is moved to the next moment that somebody waits for; one that really
//! runs is waited for.

mod choice;
mod clock;
pub(crate) mod futex;
mod queue;
mod timers;
mod waiters;

use crate::arch;
use crate::log;
use crate::mutant::{self, Mutant};
use crate::net;
use crate::process::{self, Sleep, State, Tid, Woken, events};
use crate::sync::Lock;
use crate::uffd;
use queue::Queue;

pub(crate) use choice::{Site, decide_by_vmm, reschedule_point};
pub(crate) use clock::{Interrupted, Moment, now, run_really, set_alarm, tick};
pub(crate) use futex::FutexKey;
pub(crate) use waiters::Waiters;

static READY: Lock<Queue<{ crate::mm::MAX_STACKS }>> = Lock::new(Queue::new());

/// Puts a thread at the end of the queue.
pub(crate) fn enqueue(tid: Tid) {
    READY.lock().push(tid);
}

/// Lets the others run first.
pub(crate) fn yield_now() {
    let next = READY.lock().pop();
    if let Some(next) = next {
        run_instead(next);
    }
}

/// Runs a thread that is not in the queue any more, and then the others, and then the one that calls.
fn run_instead(next: Tid) {
    let current = process::with_table(|table| table.current());
    enqueue(current);
    switch(current, State::Runnable, next);
}

/// Why a thread does not sleep, or no longer: a signal is there for it, or its process is to end. It gives up what it does and
/// leaves the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disturbed;

/// Stops the thread that runs until someone wakes it, and tells by what.
pub(crate) fn sleep(reason: Sleep) -> Result<Woken, Disturbed> {
    let (current, is_signalled) = process::with_table(|table| {
        let is_signalled = reason.is_interruptible() && table.current_thread().is_signalled();
        if !is_signalled {
            table.put_to_sleep(reason);
        }
        (table.current(), is_signalled)
    });
    if is_signalled {
        forget(current, reason, Err(Disturbed));
        return Err(Disturbed);
    }
    if let Some(deadline) = reason.deadline() {
        clock::wake_at(current, deadline);
    }
    if mutant::is(Mutant::SleeperScheduled) && matches!(reason, Sleep::Child(_)) {
        enqueue(current);
    }
    give_way(current, State::Sleeping(reason));
    process::with_table(|table| {
        let woken = table.current_thread().woken();
        if table.current_must_end() {
            Err(Disturbed)
        } else {
            woken
        }
    })
}

/// Stops the thread that runs for good.
pub(crate) fn leave() -> ! {
    let current = process::with_table(|table| table.current());
    give_way(current, State::Ended);
    unreachable!("a thread that ended is not enqueued");
}

/// A thread that slept for this reason has been woken: what would have woken it else is not needed any more.
pub(crate) fn forget(tid: Tid, reason: Sleep, woken: Result<Woken, Disturbed>) {
    match reason {
        Sleep::Futex(..) => futex::forget(tid),
        Sleep::UserFault(_) => uffd::forget(tid),
        Sleep::Child(_)
        | Sleep::Until(_)
        | Sleep::Threads
        | Sleep::Signal(..)
        | Sleep::Ready(_)
        | Sleep::Stopped => {}
    }
    if reason.deadline().is_some() && woken != Ok(Woken::ByTime) {
        clock::forget(tid);
    }
}

/// Runs the next thread in place of one that cannot go on. Returns when that one is woken.
fn give_way(current: Tid, state: State) {
    let next = READY.lock().pop();
    match next {
        Some(next) => switch(current, state, next),
        None => {
            announce(current, state, Tid::NOBODY);
            let next = wait_for_somebody();
            announce(Tid::NOBODY, State::Ended, next);
            process::switch_to(next);
        }
    }
}

fn switch(current: Tid, state: State, next: Tid) {
    announce(current, state, next);
    process::switch_to(next);
}

fn announce(previous: Tid, state: State, next: Tid) {
    clock::start_slice();
    events::switched(next, previous, state);
}

/// Lets time pass until some thread can run.
fn wait_for_somebody() -> Tid {
    loop {
        if let Some(tid) = READY.lock().pop() {
            return tid;
        }
        // What comes from the network comes before time goes on.
        if !net::look() && !clock::let_time_pass() {
            report_deadlock();
        }
    }
}

/// Nothing else can make a thread runnable, so when nobody is and nobody waits for a moment, nobody ever will be.
fn report_deadlock() -> ! {
    process::with_table(|table| {
        for (tid, reason) in table.sleeping() {
            log::line(format_args!(
                "deadlock: thread {} sleeps: {reason:?}",
                tid.as_u32()
            ));
        }
    });
    arch::halt_forever();
}
