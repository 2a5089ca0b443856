//! kill and tgkill, and the signal that a parent gets when a child ends.

use abi::linux::process::SIGCHLD;

use super::super::{Life, Pid, exit, table};
use super::effect::{Effect, effect_of, sendable};
use super::{Origin, Signal};
use crate::errno::Errno;
use crate::process::{Sleep, Tid, Woken};

/// Sends a signal: to the process of a positive number, to every process but init and the caller for -1, and for 0 to every
/// process of the caller's group, of which there is one, init's.
pub(crate) fn kill(pid: i32, signal: u64) -> Result<(), Errno> {
    let signal = sendable(signal)?;
    table::with_table(|table| {
        let caller = table.current_process().pid;
        let origin = Origin::kill(caller.as_u32(), 0);
        match pid {
            1.. => {
                let target = table.find_process(pid.unsigned_abs()).ok_or(Errno::ESRCH)?.pid;
                send(table, target, signal, origin);
                Ok(())
            }
            0 | -1 => {
                // In two steps, because a signal changes the table.
                let mut number = Pid::INIT.as_u32();
                while let Some(next) = next_pid(table, number) {
                    number = next.as_u32();
                    if pid == 0 || next != caller {
                        send(table, next, signal, origin);
                    }
                }
                Ok(())
            }
            _ => Err(Errno::ESRCH),
        }
    })
}

/// Sends a signal to a thread: if it does not block it, that is as good as to its process.
pub(crate) fn kill_thread(pid: i32, tid: i32, signal: u64) -> Result<(), Errno> {
    let (Ok(pid), Ok(tid)) = (u32::try_from(pid), u32::try_from(tid)) else {
        return Err(Errno::EINVAL);
    };
    let signal = sendable(signal)?;
    table::with_table(|table| {
        let caller = table.current_process().pid;
        let origin = Origin::kill_thread(caller.as_u32(), 0);
        let thread = table.find_thread(tid).ok_or(Errno::ESRCH)?;
        let (tid, target) = (thread.tid, thread.process);
        if target.as_u32() != pid {
            return Err(Errno::ESRCH);
        }
        if let Some(signal) = signal {
            if thread.signal_mask.contains(signal) {
                thread.pending.add(signal, origin);
                wake_waiter(table, tid, signal);
            } else {
                act(table, target, signal);
            }
        }
        Ok(())
    })
}

/// Tells a parent that a child has ended. A parent that does not block the signal is not told by it.
pub(in crate::process) fn tell_parent(table: &mut table::Table, parent: Pid, child: Pid, status: u32) {
    let signal = Signal::new(SIGCHLD);
    send(table, parent, signal, Origin::child(child.as_u32(), 0, status));
}

/// The process with the lowest number above `number`.
fn next_pid(table: &table::Table, number: u32) -> Option<Pid> {
    table
        .pids()
        .filter(|pid| pid.as_u32() > number)
        .min_by_key(|pid| pid.as_u32())
}

/// A signal waits while every thread of the process blocks it.
fn send(table: &mut table::Table, pid: Pid, signal: Option<Signal>, origin: Origin) {
    let Some(signal) = signal else { return };
    let threads = table.process(pid).threads.len();
    for index in 0..threads {
        let tid = table.process(pid).threads[index];
        if !table.thread(tid).signal_mask.contains(signal) {
            return act(table, pid, signal);
        }
    }
    table.process(pid).pending.add(signal, origin);
    for index in 0..threads {
        let tid = table.process(pid).threads[index];
        if wake_waiter(table, tid, signal) {
            break;
        }
    }
}

/// Wakes a thread that waits for the signal.
fn wake_waiter(table: &mut table::Table, tid: Tid, signal: Signal) -> bool {
    table.wake_if(
        tid,
        Woken::ByEvent,
        |reason| matches!(reason, Sleep::Signal(wanted, _) if wanted.contains(signal)),
    )
}

/// What a signal does that nobody blocks. Init takes no signal for which it has no handler, so none at all.
pub(super) fn act(table: &mut table::Table, pid: Pid, signal: Signal) {
    if let Effect::Ends(status) = effect_of(signal)
        && pid != Pid::INIT
        && table.process(pid).life == Life::Alive
    {
        exit::begin_to_end(table, pid, status);
    }
}
