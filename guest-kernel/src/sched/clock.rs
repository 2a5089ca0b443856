//! Time: how many ticks there have been, and who waits for the next ones.

use core::sync::atomic::{AtomicBool, Ordering};

use abi::clock::{SLICE_TICKS, TICK_NANOSECONDS};

use super::timers::Timers;
use crate::arch::timer;
use crate::mm::MAX_STACKS;
use crate::mutant::{self, Mutant};
use crate::net;
use crate::process::{self, Pid, Tid, Woken};
use crate::sync::Lock;

/// A point in guest time: nanoseconds since the kernel started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) const START: Self = Self(0);

    pub(crate) const fn plus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add(nanoseconds))
    }

    /// Nanoseconds from an earlier moment to this one.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) const fn as_nanoseconds(self) -> u64 {
        self.0
    }
}

/// What a tick interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    Program,
    /// The kernel, as it waited for something to run.
    Nothing,
}

struct Clock {
    now: Moment,
    timers: Timers<MAX_STACKS>,
    /// Those of processes, which are sent a signal.
    alarms: Timers<MAX_STACKS>,
    /// Ticks that the thread that runs may still use up.
    slice: u64,
}

static CLOCK: Lock<Clock> = Lock::new(Clock {
    now: Moment::START,
    timers: Timers::new(),
    alarms: Timers::new(),
    slice: SLICE_TICKS,
});

/// Whether ticks come by themselves.
static RUNS_REALLY: AtomicBool = AtomicBool::new(false);

/// From now on the local APIC's timer ticks.
pub(crate) fn run_really() {
    RUNS_REALLY.store(true, Ordering::Relaxed);
    timer::start();
}

/// What time it is.
pub(crate) fn now() -> Moment {
    CLOCK.lock().now
}

/// A tick has come. The thread that it interrupted gives way if it has used up its slice.
pub(crate) fn tick(interrupted: Interrupted) {
    if RUNS_REALLY.load(Ordering::Relaxed) {
        timer::acknowledge();
    }
    // Before time goes on, so that an answer comes in time.
    net::look();
    let slice_is_over = {
        let mut clock = CLOCK.lock();
        clock.now = clock.now.plus(TICK_NANOSECONDS);
        clock.slice = clock.slice.saturating_sub(1);
        clock.slice == 0
    };
    wake_due();
    if interrupted == Interrupted::Program && slice_is_over && !mutant::is(Mutant::SliceNeverEnds) {
        start_slice();
        super::yield_now();
    }
}

/// Another thread runs: it has a whole slice.
pub(super) fn start_slice() {
    CLOCK.lock().slice = SLICE_TICKS;
}

pub(super) fn wake_at(tid: Tid, moment: Moment) {
    let early = if mutant::is(Mutant::SleepTooShort) {
        TICK_NANOSECONDS
    } else {
        0
    };
    let moment = Moment(moment.0.saturating_sub(early));
    CLOCK.lock().timers.insert(moment, tid);
}

/// The timer of a process runs out at that moment, or does not run.
pub(crate) fn set_alarm(pid: Pid, moment: Option<Moment>) {
    let mut clock = CLOCK.lock();
    clock.alarms.remove(pid.into());
    if let Some(moment) = moment {
        clock.alarms.insert(moment, pid.into());
    }
}

pub(super) fn forget(tid: Tid) {
    CLOCK.lock().timers.remove(tid);
}

/// For when nothing can run, and nothing comes from the network now. False when neither a moment nor the network is waited for, so
/// that waiting makes no sense.
pub(super) fn let_time_pass() -> bool {
    let next = {
        let clock = CLOCK.lock();
        let both = [clock.timers.next(), clock.alarms.next()];
        both.into_iter().flatten().min()
    };
    let is_awaited = net::is_awaited();
    if next.is_none() && !is_awaited {
        return false;
    }
    if RUNS_REALLY.load(Ordering::Relaxed) {
        timer::wait_for_interrupt();
    } else if let Some(next) = next {
        let mut clock = CLOCK.lock();
        clock.now = clock.now.max(next);
        drop(clock);
        wake_due();
    }
    true
}

fn wake_due() {
    while let Some(tid) = take_due(|clock| &mut clock.timers) {
        process::with_table(|table| table.wake(tid, Woken::ByTime));
    }
    while let Some(tid) = take_due(|clock| &mut clock.alarms) {
        process::alarm_due(tid);
    }
}

fn take_due(timers: impl FnOnce(&mut Clock) -> &mut Timers<MAX_STACKS>) -> Option<Tid> {
    let mut clock = CLOCK.lock();
    let now = clock.now;
    timers(&mut clock).take_due(now)
}
