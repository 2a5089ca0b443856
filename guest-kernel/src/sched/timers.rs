//! Threads that wait for a moment, the next one last.

use super::Moment;
use crate::process::Tid;

/// Room for every thread there can be.
pub(super) struct Timers<const ROOM: usize> {
    /// The first `len` count, latest first; of two for the same moment the one that came first is nearer to the end.
    slots: [(Moment, Tid); ROOM],
    len: usize,
}

impl<const ROOM: usize> Timers<ROOM> {
    pub(super) const fn new() -> Self {
        Self {
            slots: [(Moment::START, Tid::NOBODY); ROOM],
            len: 0,
        }
    }

    /// A thread waits for one moment at most, so there is room.
    pub(super) fn insert(&mut self, moment: Moment, tid: Tid) {
        assert!(self.len < ROOM, "no thread waits for two moments");
        let mut index = self.len;
        while index > 0 && self.slots[index - 1].0 <= moment {
            self.slots[index] = self.slots[index - 1];
            index -= 1;
        }
        self.slots[index] = (moment, tid);
        self.len += 1;
    }

    /// The next moment that somebody waits for.
    pub(super) fn next(&self) -> Option<Moment> {
        Some(self.slots[self.len.checked_sub(1)?].0)
    }

    /// Takes out a thread whose moment has come by `now`.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<Tid> {
        let last = self.len.checked_sub(1)?;
        let (moment, tid) = self.slots[last];
        if moment > now {
            return None;
        }
        self.len = last;
        Some(tid)
    }

    pub(super) fn remove(&mut self, tid: Tid) {
        if let Some(index) = self.slots[..self.len].iter().position(|&(_, each)| each == tid) {
            self.slots.copy_within(index + 1..self.len, index);
            self.len -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanoseconds: u64) -> Moment {
        Moment::START.plus(nanoseconds)
    }

    fn timers() -> Timers<4> {
        let mut timers = Timers::new();
        for (moment, number) in [(30, 1), (10, 2), (20, 3), (10, 4)] {
            timers.insert(at(moment), Tid::new(number));
        }
        timers
    }

    #[test]
    fn threads_become_due_in_the_order_of_their_moments_and_then_of_their_arrival() {
        let mut timers = timers();
        assert_eq!(timers.take_due(at(9)), None);
        let due: [Option<Tid>; 4] = core::array::from_fn(|_| timers.take_due(at(20)));
        assert_eq!(
            due,
            [Some(Tid::new(2)), Some(Tid::new(4)), Some(Tid::new(3)), None]
        );
        assert_eq!(timers.next(), Some(at(30)));
    }

    #[test]
    fn one_that_is_removed_never_becomes_due() {
        let mut timers = timers();
        timers.remove(Tid::new(2));
        assert_eq!(timers.take_due(at(10)), Some(Tid::new(4)));
    }
}
