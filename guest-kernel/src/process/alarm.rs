//! setitimer: a signal at a moment, once or again and again. There is the real-time timer alone; nobody counts processor time.
//!
//! As on Linux, a timer that repeats goes on when its signal is taken, so one that nobody takes wakes nobody for ever.

use abi::linux::process::SIGALRM;
use abi::linux::signal::SI_KERNEL;

use super::signal::{Origin, Signal, send};
use super::table::{self, Table};
use super::{Pid, Tid};
use crate::sched::{self, Moment};

/// The timer of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RealTimer {
    /// When it runs out; `None` when it does not run.
    pub(crate) expires: Option<Moment>,
    /// Nanoseconds from then to the next time; 0 for never.
    pub(crate) interval: u64,
}

/// The timer as it is; it is another one from now on, if that is given.
pub(crate) fn real_timer(new: Option<RealTimer>) -> RealTimer {
    table::with_table(|table| {
        let process = table.current_process();
        let old = process.real_timer;
        if let Some(new) = new {
            process.real_timer = new;
            sched::set_alarm(process.pid, new.expires);
        }
        old
    })
}

/// The timer of a process runs out.
pub(crate) fn alarm_due(tid: Tid) {
    table::with_table(|table| {
        if let Some(process) = table.find_process(tid.as_u32()) {
            let pid = process.pid;
            if process.real_timer.interval == 0 {
                process.real_timer.expires = None;
            }
            send(table, pid, Signal::new(SIGALRM), Origin::kernel(SI_KERNEL));
        }
    });
}

/// A signal of a process has been taken: if it is the timer's the next one may come.
pub(super) fn taken(table: &mut Table, pid: Pid, signal: Signal) {
    if signal.number() != SIGALRM {
        return;
    }
    let timer = &mut table.process(pid).real_timer;
    let now = sched::now();
    if let Some(expired) = timer.expires.filter(|&expires| expires <= now) {
        let late = now.since(expired) / timer.interval.max(1) + 1;
        let next = expired.plus(late.saturating_mul(timer.interval));
        timer.expires = Some(next);
        sched::set_alarm(pid, Some(next));
    }
}
