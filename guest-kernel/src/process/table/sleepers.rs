//! Threads that sleep, and waking them.

use super::super::events;
use super::super::thread::{Sleep, State, Thread, Tid, Woken};
use super::{Pid, Table};
use crate::sched::{self, Disturbed};

impl Table {
    /// Makes a thread that sleeps for that reason runnable. False for one that does not.
    pub(in crate::process) fn wake_if(
        &mut self,
        tid: Tid,
        woken: Woken,
        is_reason: impl FnOnce(Sleep) -> bool,
    ) -> bool {
        self.end_sleep(tid, Ok(woken), is_reason)
    }

    /// Has a thread give up what it waits for, if that is something that a signal interrupts.
    pub(in crate::process) fn interrupt(&mut self, tid: Tid) {
        self.end_sleep(tid, Err(Disturbed), Sleep::is_interruptible);
    }

    fn end_sleep(
        &mut self,
        tid: Tid,
        woken: Result<Woken, Disturbed>,
        is_reason: impl FnOnce(Sleep) -> bool,
    ) -> bool {
        let thread = self.thread(tid);
        let State::Sleeping(reason) = thread.state else {
            return false;
        };
        if !is_reason(reason) {
            return false;
        }
        thread.state = State::Runnable;
        thread.woken = woken;
        sched::forget(tid, reason, woken);
        events::woken(tid);
        sched::enqueue(tid);
        true
    }

    /// Wakes all threads of a process that sleep for that reason.
    pub(in crate::process) fn wake_all(&mut self, pid: Pid, is_reason: impl Fn(Sleep) -> bool) {
        for index in 0..self.process(pid).threads.len() {
            let tid = self.process(pid).threads[index];
            self.wake_if(tid, Woken::ByEvent, &is_reason);
        }
    }

    /// Wakes all threads that sleep for that reason.
    pub(crate) fn wake_everybody(&mut self, is_reason: impl Fn(Sleep) -> bool) {
        // Nobody is behind the last slot in use.
        let mut unseen = self.in_use;
        let mut slot = 0;
        while unseen > 0 {
            let thread = self.threads[slot].as_deref().map(Thread::tid);
            unseen -= usize::from(thread.is_some() || self.processes[slot].is_some());
            slot += 1;
            if let Some(tid) = thread {
                self.wake_if(tid, Woken::ByEvent, &is_reason);
            }
        }
    }

    /// Makes the sleep of a thread known; it gives way next.
    pub(crate) fn put_to_sleep(&mut self, reason: Sleep) {
        self.current_thread().state = State::Sleeping(reason);
    }

    /// Wakes a thread that sleeps, whatever for.
    pub(crate) fn wake(&mut self, tid: Tid, woken: Woken) -> bool {
        self.wake_if(tid, woken, |_| true)
    }

    /// Threads that sleep, and what for.
    pub(crate) fn sleeping(&self) -> impl Iterator<Item = (Tid, Sleep)> {
        self.threads
            .iter()
            .flatten()
            .filter_map(|thread| match thread.state {
                State::Sleeping(reason) => Some((thread.tid, reason)),
                State::Runnable | State::Ended => None,
            })
    }
}
