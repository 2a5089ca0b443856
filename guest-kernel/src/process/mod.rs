//! Processes and their threads, and what becomes of them.
//!
//! ```text
//!   fork, clone ──> runnable <──────── what it waits for has come ──────┐
//!                    │   ^                                              │
//!            (sched) v   │ yields, slice used up                        │
//!                   running ── wait4, nanosleep, futex, ... ─> sleeping ─┘
//!                    │
//!                    └─ exit, kill, fatal fault ──> ended; the last thread's process: zombie ──(wait4)──> gone
//!
//!   on the way back to a program: its end, or handlers of signals ([`go_back`])
//! ```
//!
//! - `thread`: what the scheduler runs; `table`: processes and threads by number, and who is whose child
//! - `fork`, `clone`, `exec`, `exit`, `wait`: one system call each; `fault` decides what an exception means
//! - `signal`: what signals do, those that wait, and handlers; `credentials`: who a process acts for; `group`: processes that belong together
//! - `load`: a program file becomes an address space; `arguments`: what it is told
//! - `alarm`: a signal at a moment
//! - `inspect`: one process looks at another's memory; `memory_file`: that as a file
//! - `copy`: between the kernel and the memory of the process that runs
//!
//! A process that is to end ([`Life::Ending`]) is not torn down from outside: each of its threads is woken, gives up what it
//! holds on its way out of the kernel, and ends itself. The last one leaves the status.
//!
//! **Invariant:** a zombie keeps its number, its relatives and its status; everything else went with its last thread.

mod alarm;
mod arguments;
mod clone;
mod copy;
mod credentials;
pub(crate) mod events;
mod exec;
mod exit;
mod fault;
mod fork;
mod group;
mod inspect;
mod load;
mod memory_file;
mod signal;
mod table;
mod thread;
mod wait;

use alloc::vec::Vec;

use crate::fs::OpenFiles;
use crate::mm::AddressSpace;

pub(crate) use alarm::{RealTimer, alarm_due, real_timer};
pub(crate) use clone::clone;
pub(crate) use copy::{copy_in, copy_out, patiently, with_memory};
use credentials::Credentials;
pub(crate) use credentials::require_superuser;
pub(crate) use exec::{exec, read_path, start_init};
pub(crate) use exit::{exit_group, exit_thread};
pub(crate) use fault::{Fault, end_after_fault, end_by_fault, handle_page_fault, raise, read_current};
pub(crate) use fork::fork;
pub(crate) use group::{group_of, set_group};
pub(crate) use inspect::{Inspected, MemoryHandle, inspect};
use signal::Actions;
pub(crate) use signal::{
    Action, AlternateStack, Restart, SignalSet, alternate_stack, change_mask, go_back, kill, kill_any_thread,
    kill_thread, pending_signals, set_action, sigreturn, suspend, wait_for_any_signal, wait_for_signal,
};
pub(crate) use table::{Table, finish_switch, switch_to, with_current, with_table, with_thread};
pub(crate) use thread::{Sleep, State, Thread, Tid, Woken};
pub(crate) use wait::{ChildFilter, Interest, Patience, wait};

/// Number of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pid(u32);

impl Pid {
    /// The first process: orphans become its children, and it must not end.
    pub(crate) const INIT: Self = Self(1);

    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    /// Its threads are on their way out; this is the wait status that it will have.
    Ending {
        status: u32,
    },
    /// Ended; its parent can ask for the status.
    Zombie {
        status: u32,
    },
    /// Ended, and its parent does not want to know: it is gone when another thread runs.
    Unwanted,
}

/// A process's place among the others.
#[derive(Clone, Copy, Debug, Default)]
struct Family {
    parent: Option<Pid>,
    /// The youngest; siblings lead to older ones.
    first_child: Option<Pid>,
    older: Option<Pid>,
    younger: Option<Pid>,
}

/// What a child has from its parent beside memory.
#[derive(Debug)]
struct Heritage {
    files: OpenFiles,
    credentials: Credentials,
    group: Pid,
    actions: Actions,
}

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    family: Family,
    life: Life,
    /// Threads that have not ended, in the order in which they were made.
    threads: Vec<Tid>,
    /// The one that goes on when the others are to end: it calls execve.
    survivor: Option<Tid>,
    /// Wait status that its first thread left, should all threads end one by one.
    first_threads_status: u32,
    /// None in a zombie.
    address_space: Option<AddressSpace>,
    files: OpenFiles,
    credentials: Credentials,
    /// The process that the group is named after; it may be gone.
    group: Pid,
    /// It has called execve.
    has_executed: bool,
    /// What is left of the countdown to a request for memory that fails; the countdown itself is in `mm` while the process runs.
    fail_nth: u32,
    /// Signals that were sent to all of its threads, and that none has come to yet.
    pending: signal::Pending,
    /// What its signals do.
    actions: Actions,
    /// The signal for which its threads stop, until it goes on.
    stopped_by: Option<u32>,
    /// All of them have.
    has_stopped: bool,
    real_timer: RealTimer,
    /// What its parent can learn of it while it lives.
    news: Option<signal::News>,
}

impl Process {
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn credentials(&mut self) -> &mut Credentials {
        &mut self.credentials
    }

    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    pub(crate) fn is_superuser(&self) -> bool {
        self.credentials.is_superuser()
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.family.parent
    }

    pub(crate) fn files(&mut self) -> &mut OpenFiles {
        &mut self.files
    }

    /// What it sees; None when it has ended.
    pub(crate) fn memory(&mut self) -> Option<&mut AddressSpace> {
        self.address_space.as_mut()
    }

    pub(crate) fn address_space(&mut self) -> &mut AddressSpace {
        self.address_space
            .as_mut()
            .expect("a process has an address space until it ends")
    }

    /// Whether the thread is to leave the kernel only to end.
    fn must_end(&self, thread: Tid) -> bool {
        match self.life {
            Life::Alive => self.survivor.is_some_and(|survivor| survivor != thread),
            Life::Ending { .. } | Life::Zombie { .. } | Life::Unwanted => true,
        }
    }
}
