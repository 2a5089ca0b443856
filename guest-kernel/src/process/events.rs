//! What the kernel tells of processes and threads.

use abi::{event, thread};

use super::{Fault, Pid, Sleep, State, Tid};
use crate::events::{NOBODY, send};
use crate::mm::FrameNumber;
use crate::mutant::{self, Mutant};

/// A process has come into being, with its first thread.
pub(super) fn created(pid: Pid, parent: Option<Pid>, root: FrameNumber) {
    let parent = parent.map_or(NOBODY, Pid::as_u32);
    send(
        event::CREATED,
        pid.as_u32(),
        [parent.into(), root.address(), 0, 0],
    );
}

/// A process has another program.
pub(super) fn executed(pid: Pid, root: FrameNumber) {
    send(event::EXECUTED, pid.as_u32(), [root.address(), 0, 0, 0]);
}

/// A process has ended, with this wait status.
pub(super) fn exited(pid: Pid, status: u32) {
    let kind = if mutant::is(Mutant::NonsenseReport) {
        u32::MAX
    } else {
        event::EXITED
    };
    send(kind, pid.as_u32(), [status.into(), 0, 0, 0]);
}

/// Its parent has taken note of that.
pub(super) fn reaped(pid: Pid) {
    send(event::REAPED, pid.as_u32(), [0; 4]);
}

/// A process is about to end for a fault.
pub(super) fn fatal_fault(pid: Pid, fault: Fault) {
    let Fault {
        vector,
        error_code,
        address,
        instruction,
    } = fault;
    send(
        event::FATAL_FAULT,
        pid.as_u32(),
        [vector, error_code, address, instruction],
    );
}

/// The machine is about to be switched off.
pub(crate) fn power_off() {
    send(event::POWER_OFF, NOBODY, [0; 4]);
}

/// The first program is about to run.
pub(super) fn first_user(pid: Pid) {
    send(event::FIRST_USER, pid.as_u32(), [0; 4]);
}

/// A thread runs in place of another one, which is in that state from now on.
pub(crate) fn switched(next: Tid, previous: Tid, state: State) {
    let (state, reason) = encode_state(state);
    send(
        event::SWITCHED,
        next.as_u32(),
        [previous.as_u32().into(), state, reason, 0],
    );
}

/// A thread that slept can run.
pub(super) fn woken(tid: Tid) {
    send(event::WOKEN, tid.as_u32(), [0; 4]);
}

/// A process has a further thread.
pub(super) fn thread_created(tid: Tid, process: Pid) {
    send(
        event::THREAD_CREATED,
        tid.as_u32(),
        [process.as_u32().into(), 0, 0, 0],
    );
}

/// A thread has ended, and its process has not.
pub(super) fn thread_exited(tid: Tid, process: Pid) {
    send(
        event::THREAD_EXITED,
        tid.as_u32(),
        [process.as_u32().into(), 0, 0, 0],
    );
}

/// An orphan has another parent.
pub(super) fn adopted(pid: Pid, parent: Pid) {
    send(event::ADOPTED, pid.as_u32(), [parent.as_u32().into(), 0, 0, 0]);
}

/// A state and what a sleeping thread waits for, in the numbers of [`abi::thread`].
fn encode_state(state: State) -> (u64, u64) {
    match state {
        State::Runnable => (thread::RUNNABLE, 0),
        State::Ended => (thread::ENDED, 0),
        State::Sleeping(reason) => {
            let reason = match reason {
                Sleep::Child(_) => thread::CHILD,
                Sleep::Until(_) => thread::TIMER,
                Sleep::Futex(..) => thread::FUTEX,
                Sleep::Threads => thread::THREADS,
                Sleep::Signal(..) => thread::SIGNAL,
                Sleep::UserFault(_) => thread::USER_FAULT,
                Sleep::Ready(_) => thread::READY,
                Sleep::Stopped => thread::STOPPED,
            };
            (thread::SLEEPING, reason)
        }
    }
}
