//! Processes, and what becomes of them.
//!
//! ```text
//!   fork ──> ready ──(sched)──> running ──exit, fatal fault──> zombie ──(wait4 of the parent)──> gone
//!              ^                   │
//!              └── a child ended ──┴─ wait4 ──> waiting
//! ```
//!
//! - `table`: pids, and who is whose child
//! - `fork`, `exec`, `exit`, `wait`: one system call each; `fault` decides what an exception means
//! - `load`: a program file becomes an address space; `arguments`: what it is told
//!
//! **Invariant:** a zombie keeps its pid, its status and its kernel stack; everything else of it went with `exit`.

mod arguments;
mod exec;
mod exit;
mod fault;
mod fork;
mod load;
mod table;
mod wait;

use crate::arch::Context;
use crate::fs::OpenFiles;
use crate::mm::{AddressSpace, KernelStack};

pub(crate) use exec::{exec, read_path, start_init};
pub(crate) use exit::exit;
pub(crate) use fault::{Fault, end_by_fault, handle_page_fault};
pub(crate) use fork::fork;
pub(crate) use table::{switch_to, with_current, with_table};
pub(crate) use wait::{ChildFilter, Patience, wait};

/// Number of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pid(u32);

impl Pid {
    /// No process has it.
    pub(crate) const NOBODY: Self = Self(0);
    /// The first process: orphans become its children, and it must not end.
    pub(crate) const INIT: Self = Self(1);

    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Runs or could.
    Ready,
    /// In wait4, until a child ends.
    Waiting(ChildFilter),
    /// Ended; its parent can ask for the status.
    Zombie { status: u32 },
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

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    family: Family,
    state: State,
    /// None in a zombie.
    address_space: Option<AddressSpace>,
    files: OpenFiles,
    kernel_stack: KernelStack,
    /// Where the kernel stack was left; of no meaning while the process runs.
    context: Context,
}

impl Process {
    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.family.parent
    }

    pub(crate) fn files(&mut self) -> &mut OpenFiles {
        &mut self.files
    }

    pub(crate) fn address_space(&mut self) -> &mut AddressSpace {
        self.address_space
            .as_mut()
            .expect("a process has an address space until it ends")
    }
}
