//! kill, tgkill and tkill, and the signal that a parent gets when a child ends.

use abi::linux::process::SIGCHLD;
use abi::linux::signal::SA_NOCLDWAIT;

use super::super::{Credentials, Pid, exit, table};
use super::action::Disposition;
use super::effect::{Effect, reaction, sendable};
use super::mask::tell;
use super::{Origin, Signal, stop};
use crate::errno::Errno;
use crate::process::{Sleep, Tid, Woken};

/// Who sends.
#[derive(Clone, Copy)]
struct Sender {
    pid: Pid,
    group: Pid,
    credentials: Credentials,
}

/// Of several processes, those that a signal goes to.
#[derive(Clone, Copy)]
enum Several {
    /// All but init and the caller.
    Others,
    /// Those of a process group.
    Group(u32),
}

/// Sends a signal: to the process of a positive number, to every process but init and the caller for -1, for 0 to every process of
/// the caller's group, and for other negative numbers to every process of the group that is meant. EPERM for a process of another user.
pub(crate) fn kill(pid: i32, signal: u64) -> Result<(), Errno> {
    table::with_table(|table| {
        let sender = Sender::current(table);
        let origin = Origin::kill(sender.pid.as_u32(), sender.credentials.uid());
        match pid {
            1.. => {
                let target = table.find_process(pid.unsigned_abs()).ok_or(Errno::ESRCH)?.pid;
                let signal = sender.check(table, target, signal)?;
                send(table, target, signal, origin);
                Ok(())
            }
            0 => kill_several(table, sender, Several::Group(sender.group.0), signal, origin),
            -1 => match kill_several(table, sender, Several::Others, signal, origin) {
                // So it is on Linux: who may send to nobody has sent to all that there were.
                Err(Errno::EPERM) => Ok(()),
                result => result,
            },
            i32::MIN => Err(Errno::ESRCH),
            _ => kill_several(table, sender, Several::Group(pid.unsigned_abs()), signal, origin),
        }
    })
}

/// It is enough that one process gets it; ESRCH when there is none.
fn kill_several(
    table: &mut table::Table,
    sender: Sender,
    several: Several,
    signal: u64,
    origin: Origin,
) -> Result<(), Errno> {
    let mut result = Err(Errno::ESRCH);
    let mut slot = 0;
    while let Some((target, next)) = table.next_process(slot) {
        slot = next;
        let is_meant = match several {
            Several::Others => target != Pid::INIT && target != sender.pid,
            Several::Group(number) => table.process(target).group.0 == number,
        };
        if !is_meant {
            continue;
        }
        let sent = sender.check(table, target, signal);
        let sent = sent.map(|signal| send(table, target, signal, origin));
        if result.is_err() {
            result = sent;
        }
    }
    result
}

/// Sends a signal to a thread of that process.
pub(crate) fn kill_thread(pid: i32, tid: i32, signal: u64) -> Result<(), Errno> {
    match (pid, tid) {
        (1.., 1..) => send_to_thread(Some(pid.unsigned_abs()), tid.unsigned_abs(), signal),
        _ => Err(Errno::EINVAL),
    }
}

/// Sends a signal to a thread, of whatever process.
pub(crate) fn kill_any_thread(tid: i32, signal: u64) -> Result<(), Errno> {
    match tid {
        1.. => send_to_thread(None, tid.unsigned_abs(), signal),
        _ => Err(Errno::EINVAL),
    }
}

fn send_to_thread(pid: Option<u32>, tid: u32, signal: u64) -> Result<(), Errno> {
    table::with_table(|table| {
        let sender = Sender::current(table);
        let origin = Origin::kill_thread(sender.pid.as_u32(), sender.credentials.uid());
        let thread = table.find_thread(tid).ok_or(Errno::ESRCH)?;
        let (tid, target) = (thread.tid, thread.process);
        if pid.is_some_and(|pid| target.as_u32() != pid) {
            return Err(Errno::ESRCH);
        }
        let Some(signal) = sender.check(table, target, signal)? else {
            return Ok(());
        };
        stop::prepare(table, target, signal);
        let is_blocked = table.thread(tid).signal_mask.contains(signal);
        let is_held = stop::holds_back(table, target, signal);
        let action = table.process(target).actions.of(signal);
        match reaction(target, signal, action) {
            Effect::Nothing if !is_blocked => {}
            Effect::Ends(status) if !is_blocked && !is_held => exit::begin_to_end(table, target, status),
            Effect::Nothing | Effect::Ends(_) | Effect::Stops | Effect::Runs(_) => {
                table.thread(tid).pending.add(signal, origin);
                if is_blocked {
                    wake_waiter(table, tid, signal);
                } else {
                    tell(table, tid);
                }
            }
        }
        Ok(())
    })
}

/// What a parent makes of its children's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum ParentWants {
    Status,
    /// It ignores the signal, or has said that its children leave no zombies.
    Nothing,
}

/// Tells the parent of a process that it has ended.
pub(in crate::process) fn tell_parent(table: &mut table::Table, child: Pid, status: u32) -> ParentWants {
    let process = table.process(child);
    let origin = Origin::child(child.as_u32(), process.credentials.uid(), status);
    let (Some(parent), Some(signal)) = (process.parent(), Signal::new(SIGCHLD)) else {
        return ParentWants::Status;
    };
    let action = table.process(parent).actions.of(signal);
    let is_ignored = action.disposition() == Disposition::Ignored;
    if !is_ignored {
        send(table, parent, Some(signal), origin);
    }
    if is_ignored || action.has(SA_NOCLDWAIT) {
        ParentWants::Nothing
    } else {
        ParentWants::Status
    }
}

impl Sender {
    fn current(table: &mut table::Table) -> Self {
        let process = table.current_process();
        Self {
            pid: process.pid,
            group: process.group,
            credentials: process.credentials,
        }
    }

    /// What to send, if the number is a signal's and the target one that the sender may send to.
    fn check(self, table: &mut table::Table, target: Pid, signal: u64) -> Result<Option<Signal>, Errno> {
        let signal = sendable(signal)?;
        let is_own = target == self.pid;
        if is_own || self.credentials.may_signal(table.process(target).credentials) {
            Ok(signal)
        } else {
            Err(Errno::EPERM)
        }
    }
}

/// A signal waits while every thread of the process blocks it. One with a handler is told to the first thread that does not.
pub(in crate::process) fn send(table: &mut table::Table, pid: Pid, signal: Option<Signal>, origin: Origin) {
    let Some(signal) = signal else { return };
    stop::prepare(table, pid, signal);
    let is_held = stop::holds_back(table, pid, signal);
    let threads = table.process(pid).threads.len();
    let mut is_blocked = true;
    let mut taker = None;
    for index in 0..threads {
        let tid = table.process(pid).threads[index];
        let thread = table.thread(tid);
        if !thread.signal_mask.contains(signal) {
            is_blocked = false;
            if !thread.is_signalled {
                taker = Some(tid);
                break;
            }
        }
    }
    let action = table.process(pid).actions.of(signal);
    match reaction(pid, signal, action) {
        Effect::Nothing if !is_blocked => {}
        Effect::Ends(status) if !is_blocked && !is_held => exit::begin_to_end(table, pid, status),
        Effect::Nothing | Effect::Ends(_) | Effect::Stops | Effect::Runs(_) => {
            table.process(pid).pending.add(signal, origin);
            match taker {
                Some(tid) => tell(table, tid),
                // Who does not block it and has been told of another one comes to it, too.
                None if !is_blocked => {}
                None => {
                    for index in 0..threads {
                        let tid = table.process(pid).threads[index];
                        if wake_waiter(table, tid, signal) {
                            break;
                        }
                    }
                }
            }
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
