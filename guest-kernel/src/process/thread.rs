//! A thread: what the scheduler runs.

use super::signal::{AlternateStack, Origin, Pending, Restart, Signal, SignalSet};
use super::{ChildFilter, Fault, Pid};
use crate::arch::{Context, UserState};
use crate::mm::KernelStack;
use crate::sched::{Disturbed, FutexKey, Moment};
use crate::uffd::Toucher;

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
    UserFault(Toucher),
    /// A file that is ready, or a moment if that comes first.
    Ready(Option<Moment>),
    /// A signal that lets its process go on.
    Stopped,
}

impl Sleep {
    /// When it is over whatever happens.
    pub(crate) fn deadline(self) -> Option<Moment> {
        match self {
            Self::Until(moment) => Some(moment),
            Self::Futex(_, deadline) | Self::Signal(_, deadline) | Self::Ready(deadline) => deadline,
            Self::Child(_) | Self::Threads | Self::UserFault(_) | Self::Stopped => None,
        }
    }

    /// Whether a signal ends it. The kernel goes on with what it does for a program until it can stop there.
    pub(crate) fn is_interruptible(self) -> bool {
        match self {
            Self::Threads | Self::UserFault(Toucher::Kernel) | Self::Stopped => false,
            Self::Child(_)
            | Self::Until(_)
            | Self::Futex(..)
            | Self::Signal(..)
            | Self::UserFault(Toucher::Program)
            | Self::Ready(_) => true,
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
    pub(super) woken: Result<Woken, Disturbed>,
    pub(super) kernel_stack: KernelStack,
    /// Where the kernel stack was left; of no meaning while the thread runs.
    pub(super) context: Context,
    /// As of when the thread ran last.
    pub(super) user_state: UserState,
    /// Word in user memory that is cleared at the thread's end (`set_tid_address`); 0 for none.
    pub(super) clear_at_end: u64,
    /// Signals that it blocks.
    pub(super) signal_mask: SignalSet,
    /// Signals that were sent to it alone, and that it blocks or has not come to yet.
    pub(super) pending: Pending,
    /// The signal of an exception that it has just caused, for which there is a handler.
    pub(super) forced: Option<(Signal, Origin)>,
    /// Some signal is there that it does not block: it looks before it goes back to its program, and does not sleep before.
    pub(super) is_signalled: bool,
    /// The mask from before rt_sigsuspend, while that waits.
    pub(super) suspended_mask: Option<SignalSet>,
    pub(super) alternate_stack: AlternateStack,
    /// How to go on with the call that was interrupted last.
    pub(super) restart: Option<Restart>,
    /// The last exception of which its program was told.
    pub(super) exception: Option<Fault>,
}

impl Thread {
    pub(crate) fn tid(&self) -> Tid {
        self.tid
    }

    pub(crate) fn process(&self) -> Pid {
        self.process
    }

    pub(crate) fn woken(&self) -> Result<Woken, Disturbed> {
        self.woken
    }

    pub(crate) fn user_state(&mut self) -> &mut UserState {
        &mut self.user_state
    }

    pub(crate) fn is_signalled(&self) -> bool {
        self.is_signalled
    }

    pub(crate) fn set_restart(&mut self, restart: Restart) {
        self.restart = Some(restart);
    }

    pub(crate) fn take_restart(&mut self) -> Option<Restart> {
        self.restart.take()
    }

    pub(crate) fn signal_mask(&self) -> SignalSet {
        self.signal_mask
    }

    pub(crate) fn set_clear_at_end(&mut self, address: u64) {
        self.clear_at_end = address;
    }
}
