//! A queue with room for every thread there can be.

use crate::process::Tid;

pub(super) struct Queue<const ROOM: usize> {
    slots: [Tid; ROOM],
    first: usize,
    len: usize,
}

impl<const ROOM: usize> Queue<ROOM> {
    pub(super) const fn new() -> Self {
        Self {
            slots: [Tid::NOBODY; ROOM],
            first: 0,
            len: 0,
        }
    }

    /// A thread is in the queue once at most, so there is room.
    pub(super) fn push(&mut self, tid: Tid) {
        assert!(self.len < ROOM, "no thread is in the queue twice");
        self.slots[(self.first + self.len) % ROOM] = tid;
        self.len += 1;
    }

    /// Those in the queue, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Tid> {
        (0..self.len).map(|index| self.slots[(self.first + index) % ROOM])
    }

    /// Takes one out of the middle.
    pub(super) fn remove(&mut self, tid: Tid) {
        let mut kept = 0;
        for index in 0..self.len {
            let each = self.slots[(self.first + index) % ROOM];
            if each != tid {
                self.slots[(self.first + kept) % ROOM] = each;
                kept += 1;
            }
        }
        self.len = kept;
    }

    pub(super) fn pop(&mut self) -> Option<Tid> {
        if self.len == 0 {
            return None;
        }
        let tid = self.slots[self.first];
        self.first = (self.first + 1) % ROOM;
        self.len -= 1;
        Some(tid)
    }
}

#[cfg(test)]
mod tests {
    use super::{Queue, Tid};

    #[test]
    fn threads_come_out_in_the_order_in_which_they_went_in() {
        let mut queue = Queue::<2>::new();
        for _ in 0..3 {
            queue.push(Tid::new(1));
            queue.push(Tid::new(2));
            assert_eq!(queue.pop(), Some(Tid::new(1)));
            assert_eq!(queue.pop(), Some(Tid::new(2)));
            assert_eq!(queue.pop(), None);
        }
    }

    #[test]
    fn one_that_is_taken_out_of_the_middle_leaves_the_order_of_the_others() {
        let mut queue = Queue::<3>::new();
        queue.push(Tid::new(9));
        queue.pop();
        (1..=3).for_each(|number| queue.push(Tid::new(number)));
        queue.remove(Tid::new(2));
        assert!(queue.iter().eq([Tid::new(1), Tid::new(3)]));
    }
}
