//! Threads that wait for one kind of thing, each with what it waits for, in the order in which they came.

use crate::mm::MAX_STACKS;
use crate::process::Tid;

/// Room for every thread there can be.
pub(crate) struct Waiters<T> {
    slots: [Option<(Tid, T)>; MAX_STACKS],
    len: usize,
}

impl<T: Copy> Waiters<T> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: [None; MAX_STACKS],
            len: 0,
        }
    }

    /// A thread waits for one thing at most, so there is room.
    pub(crate) fn push(&mut self, tid: Tid, what: T) {
        self.slots[self.len] = Some((tid, what));
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, tid: Tid) {
        let is_it = |slot: &Option<(Tid, T)>| slot.is_some_and(|(each, _)| each == tid);
        if let Some(index) = self.slots[..self.len].iter().position(is_it) {
            self.slots.copy_within(index + 1..self.len, index);
            self.len -= 1;
        }
    }

    /// The first who waits for something like that.
    pub(crate) fn first(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Tid> {
        let mut waiters = self.slots[..self.len].iter().flatten();
        waiters.find(|(_, what)| is_wanted(what)).map(|(tid, _)| *tid)
    }

    /// The same, and what the thread waits for.
    pub(crate) fn first_mut(&mut self, is_wanted: impl Fn(&T) -> bool) -> Option<(Tid, &mut T)> {
        let mut waiters = self.slots[..self.len].iter_mut().flatten();
        let (tid, what) = waiters.find(|(_, what)| is_wanted(what))?;
        Some((*tid, what))
    }
}

#[cfg(test)]
mod tests {
    use super::{Tid, Waiters};

    #[test]
    fn whoever_came_first_is_found_first_and_can_go_out_of_order() {
        let mut waiters = Waiters::new();
        for (number, what) in [(1, 'a'), (2, 'b'), (3, 'a'), (4, 'b')] {
            waiters.push(Tid::new(number), what);
        }
        waiters.remove(Tid::new(1));
        waiters.remove(Tid::new(9));
        assert_eq!(waiters.first(|what| *what == 'a'), Some(Tid::new(3)));
        let (tid, what) = waiters.first_mut(|what| *what == 'b').unwrap();
        *what = 'c';
        assert_eq!(tid, Tid::new(2));
        assert_eq!(waiters.first(|what| *what == 'b'), Some(Tid::new(4)));
        assert_eq!(waiters.first(|what| *what == 'd'), None);
    }
}
