//! A queue with room for every process there can be.

use crate::process::Pid;

pub(super) struct Queue<const ROOM: usize> {
    slots: [Pid; ROOM],
    first: usize,
    len: usize,
}

impl<const ROOM: usize> Queue<ROOM> {
    pub(super) const fn new() -> Self {
        Self {
            slots: [Pid::NOBODY; ROOM],
            first: 0,
            len: 0,
        }
    }

    /// A process is in the queue once at most, so there is room.
    pub(super) fn push(&mut self, pid: Pid) {
        assert!(self.len < ROOM, "no process is in the queue twice");
        self.slots[(self.first + self.len) % ROOM] = pid;
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<Pid> {
        if self.len == 0 {
            return None;
        }
        let pid = self.slots[self.first];
        self.first = (self.first + 1) % ROOM;
        self.len -= 1;
        Some(pid)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pid, Queue};

    #[test]
    fn processes_come_out_in_the_order_in_which_they_went_in() {
        let mut queue = Queue::<2>::new();
        for _ in 0..3 {
            queue.push(Pid::INIT);
            queue.push(Pid::NOBODY);
            assert_eq!(queue.pop(), Some(Pid::INIT));
            assert_eq!(queue.pop(), Some(Pid::NOBODY));
            assert_eq!(queue.pop(), None);
        }
    }
}
