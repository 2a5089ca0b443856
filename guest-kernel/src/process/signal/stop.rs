//! Stopping and going on: `SIGSTOP` and its like from the terminal, and `SIGCONT`.
//!
//! A thread stops on its way back to its program, so what it does in the kernel is done or given up first. When the last one has
//! stopped the parent is told.

use abi::linux::process::{SIGCHLD, SIGCONT, SIGKILL, SIGSTOP};
use abi::linux::signal::{CLD_CONTINUED, CLD_STOPPED, SA_NOCLDSTOP};

use super::super::table::{self, Table};
use super::super::{Pid, Sleep, State, Tid};
use super::effect::STOPPING;
use super::mask::tell;
use super::send::send;
use super::{Origin, Pending, Signal, SignalSet};
use crate::sched;

/// What a parent can learn of a child that has not ended, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum News {
    /// This signal has stopped it.
    Stopped(u32),
    Continued,
}

/// Every thread of the process stops when it comes back from what it does in the kernel.
pub(super) fn begin_to_stop(table: &mut Table, pid: Pid, signal: Signal) {
    if is_orphans(table, pid) && signal.number() != SIGSTOP {
        return;
    }
    let process = table.process(pid);
    if process.stopped_by.is_some() {
        return;
    }
    process.stopped_by = Some(signal.number());
    for index in 0..table.process(pid).threads.len() {
        let tid = table.process(pid).threads[index];
        tell(table, tid);
    }
}

/// Holds the thread that runs as long as its process is to stand still.
pub(super) fn stand_still() {
    loop {
        let stands = table::with_table(|table| {
            let pid = table.current_process().pid;
            let stands = table.process(pid).stopped_by.is_some() && !table.current_must_end();
            if stands {
                let current = table.current();
                tell_if_all_stand(table, pid, |tid| tid == current);
            }
            stands
        });
        if !stands {
            return;
        }
        // Whatever wakes it, it looks again.
        let _ = sched::sleep(Sleep::Stopped);
    }
}

/// A thread has ended: perhaps all others had stopped before.
pub(in crate::process) fn thread_gone(table: &mut Table, pid: Pid) {
    tell_if_all_stand(table, pid, |_| false);
}

/// What a signal does when it is sent, whether or not it is blocked: one that stops and the one that continues undo each other.
pub(super) fn prepare(table: &mut Table, pid: Pid, signal: Signal) {
    if signal.number() == SIGCONT {
        forget(table, pid, SignalSet::of(&STOPPING));
        go_on(table, pid);
    } else if STOPPING.contains(&signal.number()) {
        forget(table, pid, SignalSet::of(&[SIGCONT]));
    }
}

/// Whether a signal has to wait until the process goes on.
pub(super) fn holds_back(table: &mut Table, pid: Pid, signal: Signal) -> bool {
    table.process(pid).stopped_by.is_some() && signal.number() != SIGKILL
}

fn go_on(table: &mut Table, pid: Pid) {
    if table.process(pid).stopped_by.take().is_none() {
        return;
    }
    table.wake_all(pid, |reason| reason == Sleep::Stopped);
    if core::mem::take(&mut table.process(pid).has_stopped) {
        tell_parent(table, pid, News::Continued);
    }
}

fn tell_if_all_stand(table: &mut Table, pid: Pid, is_about_to: impl Fn(Tid) -> bool) {
    let process = table.process(pid);
    let (Some(signal), false) = (process.stopped_by, process.has_stopped) else {
        return;
    };
    for index in 0..table.process(pid).threads.len() {
        let tid = table.process(pid).threads[index];
        let stands = table.thread(tid).state == State::Sleeping(Sleep::Stopped);
        if !stands && !is_about_to(tid) {
            return;
        }
    }
    table.process(pid).has_stopped = true;
    tell_parent(table, pid, News::Stopped(signal));
}

fn tell_parent(table: &mut Table, pid: Pid, news: News) {
    let process = table.process(pid);
    process.news = Some(news);
    let uid = process.credentials.uid();
    let (Some(parent), Some(child_signal)) = (process.parent(), Signal::new(SIGCHLD)) else {
        return;
    };
    let (code, status) = match news {
        News::Stopped(signal) => (CLD_STOPPED, signal),
        News::Continued => (CLD_CONTINUED, SIGCONT),
    };
    table.wake_all(parent, |reason| matches!(reason, Sleep::Child(_)));
    if !table.process(parent).actions.of(child_signal).has(SA_NOCLDSTOP) {
        let origin = Origin::child_lives(pid.as_u32(), uid, code, status);
        send(table, parent, Some(child_signal), origin);
    }
}

/// These signals wait no longer.
fn forget(table: &mut Table, pid: Pid, signals: SignalSet) {
    let drop_from = |pending: &mut Pending| while pending.take(signals).is_some() {};
    drop_from(&mut table.process(pid).pending);
    for index in 0..table.process(pid).threads.len() {
        let tid = table.process(pid).threads[index];
        drop_from(&mut table.thread(tid).pending);
    }
}

/// Whether the process is in a group that nobody outside it looks after, so that nobody would have it go on: the terminal's signals do
/// not stop it.
fn is_orphans(table: &mut Table, pid: Pid) -> bool {
    let group = table.process(pid).group;
    let mut slot = 0;
    while let Some((member, next)) = table.next_process(slot) {
        slot = next;
        let process = table.process(member);
        if process.group != group || process.threads.is_empty() {
            continue;
        }
        if let Some(parent) = process.parent().filter(|&parent| parent != Pid::INIT)
            && table.process(parent).group != group
        {
            return false;
        }
    }
    true
}
