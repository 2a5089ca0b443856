//! A thread: what the scheduler runs.

use super::signal::{Pending, SignalSet};
use super::{ChildFilter, Pid};
use crate::arch::{Context, UserState};
use crate::mm::KernelStack;
use crate::sched::{FutexKey, Moment};

/// Number of a thread. The first thread of a process has the process's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tid(u32);

impl Tid {
    /// No thread has it: nothing runs.
    pub(crate) const NOBODY: Self = Self(0);

    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    pub(crate) const fn as_u32(self) -> u32 {
        self.0
    }
}

impl From<Pid> for Tid {
    /// The first thread of the process.
    fn from(pid: Pid) -> Self {
        Self(pid.as_u32())
    }
}

/// Where a thread is in its life. See [`abi::thread`] for the transitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Runs or could.
    Runnable,
    /// Cannot go on before what it waits for.
    Sleeping(Sleep),
    /// Never runs again; whoever runs next throws it away.
    Ended,
}

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// A child that ended.
    Child(ChildFilter),
    /// A moment.
    Until(Moment),
    /// A wake-up through a futex, or a moment if that comes first.
    Futex(FutexKey, Option<Moment>),
    /// The end of all other threads of its process.
    Threads,
    /// A signal of the set, or a moment if that comes first.
    Signal(SignalSet, Option<Moment>),
    /// Whoever serves a fault.
    UserFault,
    /// A file that is ready, or a moment if that comes first.
    Ready(Option<Moment>),
}

impl Sleep {
    /// When it is over whatever happens.
    pub(crate) fn deadline(self) -> Option<Moment> {
        match self {
            Self::Until(moment) => Some(moment),
            Self::Futex(_, deadline) | Self::Signal(_, deadline) | Self::Ready(deadline) => deadline,
            Self::Child(_) | Self::Threads | Self::UserFault => None,
        }
    }
}

/// What ended a sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// What the thread waited for, perhaps: it looks again.
    ByEvent,
    /// Its moment has come.
    ByTime,
}

/// A thread.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(super) tid: Tid,
    pub(super) process: Pid,
    pub(super) state: State,
    pub(super) woken: Woken,
    pub(super) kernel_stack: KernelStack,
    /// Where the kernel stack was left; of no meaning while the thread runs.
    pub(super) context: Context,
    /// As of when the thread ran last.
    pub(super) user_state: UserState,
    /// Word in user memory that is cleared at the thread's end (`set_tid_address`); 0 for none.
    pub(super) clear_at_end: u64,
    /// Signals that it blocks.
    pub(super) signal_mask: SignalSet,
    /// Signals that it blocks and that were sent to it alone.
    pub(super) pending: Pending,
}

impl Thread {
    pub(crate) fn tid(&self) -> Tid {
        self.tid
    }

    pub(crate) fn process(&self) -> Pid {
        self.process
    }

    pub(crate) fn woken(&self) -> Woken {
        self.woken
    }

    pub(crate) fn user_state(&mut self) -> &mut UserState {
        &mut self.user_state
    }

    pub(crate) fn signal_mask(&self) -> SignalSet {
        self.signal_mask
    }

    pub(crate) fn set_clear_at_end(&mut self, address: u64) {
        self.clear_at_end = address;
    }
}
