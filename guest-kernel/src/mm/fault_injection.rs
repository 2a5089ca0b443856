//! Requests for memory that fail on purpose, for the process that asks for it: what Linux has as `fail-nth`.
//!
//! Every request for a frame, a page table or something on the heap counts, while the process runs; the heap's own frames do
//! not, because nobody asked for them. A request that fails does so before any page goes to the disk.
//!
//! **Invariant:** the countdown here is that of the process that runs. Whoever switches to another one pauses it and resumes the
//! other's.

use core::sync::atomic::{AtomicU32, Ordering};

/// How many requests there are to the one that fails; 0 when none is to.
struct Countdown(AtomicU32);

static COUNTDOWN: Countdown = Countdown(AtomicU32::new(0));

/// Has the `nth` request from now on fail; none for 0.
pub(crate) fn fail_nth(nth: u32) {
    COUNTDOWN.set(nth);
}

/// How many requests there are to the one that fails; 0 when it has failed.
pub(crate) fn left() -> u32 {
    COUNTDOWN.left()
}

/// The process that runs is left: as [`left`], and from now on nothing fails.
pub(crate) fn pause() -> u32 {
    let left = COUNTDOWN.left();
    if left != 0 {
        COUNTDOWN.set(0);
    }
    left
}

/// Runs `f`, in which nothing fails and nothing counts.
pub(super) fn without<R>(f: impl FnOnce() -> R) -> R {
    let left = pause();
    let result = f();
    COUNTDOWN.set(left);
    result
}

/// Whether the request that is about to be granted is the one that fails.
#[inline]
pub(super) fn fails() -> bool {
    COUNTDOWN.count()
}

impl Countdown {
    fn set(&self, nth: u32) {
        self.0.store(nth, Ordering::Relaxed);
    }

    fn left(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    fn count(&self) -> bool {
        let left = self.left();
        if left == 0 {
            return false;
        }
        self.set(left - 1);
        left == 1
    }
}

#[cfg(test)]
mod tests {
    use super::{AtomicU32, Countdown};

    #[test]
    fn the_nth_request_fails_and_no_other() {
        let countdown = Countdown(AtomicU32::new(0));
        assert!(!countdown.count());
        countdown.set(3);
        let failed = [(); 5].map(|()| countdown.count());
        assert_eq!(failed, [false, false, true, false, false]);
        assert_eq!(countdown.left(), 0);
    }
}
