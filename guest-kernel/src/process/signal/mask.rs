//! rt_sigprocmask, and waiting with another mask: which signals a thread blocks.

use super::super::table::{self, Table};
use super::super::{Pid, Sleep, Tid};
use super::SignalSet;
use crate::errno::Errno;
use crate::sched::{self, Disturbed};

/// Gives the thread that runs another mask. Signals that were waiting and are not blocked any more act on the way back.
pub(crate) fn change_mask(mask: SignalSet) {
    table::with_table(|table| set_mask(table, mask));
}

/// Signals that wait until the thread that runs does not block them any more.
pub(crate) fn pending_signals() -> SignalSet {
    table::with_table(|table| {
        let thread = table.current_thread();
        let (own, mask) = (thread.pending.set(), thread.signal_mask);
        own.union(table.current_process().pending.set())
            .intersection(mask)
    })
}

/// rt_sigsuspend: waits for a signal that the mask does not have. The mask from before is back when a handler has run.
pub(crate) fn suspend(mask: SignalSet) -> Result<u64, Errno> {
    table::with_table(|table| {
        let thread = table.current_thread();
        thread.suspended_mask = Some(thread.signal_mask);
        set_mask(table, mask);
    });
    wait_for_any_signal()
}

/// pause: waits for a signal that ends the process or has a handler.
pub(crate) fn wait_for_any_signal() -> Result<u64, Errno> {
    loop {
        let nothing_to_take = Sleep::Signal(SignalSet::default(), None);
        sched::sleep(nothing_to_take).map_err(|Disturbed| Errno::ERESTARTNOHAND)?;
    }
}

pub(super) fn set_mask(table: &mut Table, mask: SignalSet) {
    let thread = table.current_thread();
    thread.signal_mask = mask.blockable();
    let pid = thread.process;
    let process = table.process(pid);
    let (others, stops) = (process.pending.set(), process.stopped_by.is_some());
    let thread = table.current_thread();
    let waiting = thread.pending.set().union(others);
    let unblocked = waiting.difference(thread.signal_mask);
    thread.is_signalled = stops || thread.forced.is_some() || unblocked != SignalSet::default();
    if others != SignalSet::default() {
        hand_on(table, pid);
    }
}

/// Tells a thread of signals of its process that it could take, if there are any: whoever was told of them before cannot.
pub(in crate::process) fn hand_on(table: &mut Table, pid: Pid) {
    let waiting = table.process(pid).pending.set();
    for index in 0..table.process(pid).threads.len() {
        let tid = table.process(pid).threads[index];
        let unblocked = waiting.difference(table.thread(tid).signal_mask);
        if unblocked != SignalSet::default() {
            return tell(table, tid);
        }
    }
}

/// Has a thread look for signals: before it goes back to its program, and now, if it sleeps.
pub(super) fn tell(table: &mut Table, tid: Tid) {
    table.thread(tid).is_signalled = true;
    table.interrupt(tid);
}
