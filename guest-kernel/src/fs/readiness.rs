//! Waiting until some file is ready, or what somebody in a module waits for.
//!
//! Whoever makes a file ready says so ([`changed`]), and whoever waits looks again at what it waits for: with few threads that
//! is cheaper than a queue for each file. A change that comes while somebody still looks is not missed, because waiting begins with
//! the number of changes from before the look.

use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::process::{self, Sleep, Woken};
use crate::sched::{self, Disturbed, Moment};

static CHANGES: AtomicU64 = AtomicU64::new(0);
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// How many changes there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Changes(u64);

impl Changes {
    pub(crate) fn count(self) -> u64 {
        self.0
    }

    /// What [`Self::count`] gave.
    pub(crate) fn from_count(count: u64) -> Self {
        Self(count)
    }
}

/// To be asked for before looking.
pub(crate) fn changes() -> Changes {
    Changes(CHANGES.load(Ordering::Relaxed))
}

/// Sleeps until there was a change after `seen`, or the deadline.
pub(crate) fn wait(seen: Changes, deadline: Option<Moment>) -> Result<Woken, Disturbed> {
    if changes() != seen {
        return Ok(Woken::ByEvent);
    }
    WAITING.fetch_add(1, Ordering::Relaxed);
    let woken = sched::sleep(Sleep::Ready(deadline));
    WAITING.fetch_sub(1, Ordering::Relaxed);
    woken
}

/// A file may be ready that was not. Called with nothing held.
pub(crate) fn changed() {
    CHANGES.fetch_add(1, Ordering::Relaxed);
    if WAITING.load(Ordering::Relaxed) > 0 {
        process::with_table(|table| table.wake_everybody(|reason| matches!(reason, Sleep::Ready(_))));
    }
}
