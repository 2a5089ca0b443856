//! The process table: by pid, who is whose child, and who runs.

#![allow(unsafe_code, reason = "switching to another process's kernel stack")]

use alloc::boxed::Box;

use super::{Family, Pid, Process, State};
use crate::arch::{self, Context};
use crate::mm::MAX_STACKS;
use crate::sync::Lock;

/// Each process has a kernel stack.
const MAX_PROCESSES: usize = MAX_STACKS;
/// Numbers start again from 2 after this one.
const LAST_PID: u32 = 32767;

static TABLE: Lock<Table> = Lock::new(Table {
    slots: [const { None }; MAX_PROCESSES],
    count: 0,
    last_pid: 0,
    current: Pid::INIT,
});

/// All processes. The slot of a pid is the pid modulo the number of slots.
pub(crate) struct Table {
    slots: [Option<Box<Process>>; MAX_PROCESSES],
    count: usize,
    last_pid: u32,
    current: Pid,
}

/// Runs `f` with the table.
pub(crate) fn with_table<R>(f: impl FnOnce(&mut Table) -> R) -> R {
    f(&mut TABLE.lock())
}

/// Runs `f` with the process that runs.
pub(crate) fn with_current<R>(f: impl FnOnce(&mut Process) -> R) -> R {
    with_table(|table| f(table.current_mut()))
}

/// Leaves the kernel stack of the process that runs for that of `next`; returns when someone switches back.
pub(crate) fn switch_to(next: Pid) {
    let (from, to) = with_table(|table| {
        let from = &raw mut table.current_mut().context;
        (from, table.make_current(next))
    });
    // SAFETY: both processes are boxed and stay in the table: the one that is left can be reaped only by another one that
    // runs, after the switch, and then nobody switches to it. `next` does not run, so its context is the one it left.
    unsafe { arch::switch(from, to) };
}

/// Starts the first process, on its own kernel stack.
pub(super) fn start_first() -> ! {
    let first = with_table(|table| table.make_current(Pid::INIT));
    let mut nowhere = Context::abandoned();
    // SAFETY: the first process has a fresh context, and nothing comes back to the boot stack.
    unsafe { arch::switch(&raw mut nowhere, first) };
    unreachable!("nothing switches to the boot stack");
}

impl Table {
    /// A number that no process has.
    pub(super) fn free_pid(&self) -> Option<Pid> {
        if self.count == MAX_PROCESSES {
            return None;
        }
        let mut number = self.last_pid;
        loop {
            number = if number >= LAST_PID {
                Pid::INIT.0 + 1
            } else {
                number + 1
            };
            if self.slots[slot_of(Pid(number))].is_none() {
                return Some(Pid(number));
            }
        }
    }

    /// Adds a process as the youngest child of its parent.
    pub(super) fn insert(&mut self, mut process: Box<Process>) {
        let pid = process.pid;
        process.family = Family {
            parent: process.family.parent,
            ..Family::default()
        };
        let parent = process.family.parent;
        self.slots[slot_of(pid)] = Some(process);
        self.count += 1;
        self.last_pid = pid.0;
        if let Some(parent) = parent {
            self.link_to_parent(pid, parent);
        }
    }

    /// Takes a process out; its parent and siblings forget it.
    pub(super) fn remove(&mut self, pid: Pid) -> Box<Process> {
        self.unlink_from_parent(pid);
        self.count -= 1;
        self.slots[slot_of(pid)]
            .take()
            .expect("a pid that a relative holds is in the table")
    }

    /// Gives all children of a process to another one.
    pub(super) fn give_children(&mut self, from: Pid, to: Pid) {
        while let Some(child) = self.get(from).family.first_child {
            self.unlink_from_parent(child);
            self.get_mut(child).family.parent = Some(to);
            self.link_to_parent(child, to);
        }
    }

    /// Children of a process, youngest first.
    pub(super) fn children(&self, of: Pid) -> impl Iterator<Item = &Process> {
        let mut next = self.get(of).family.first_child;
        core::iter::from_fn(move || {
            let child = self.get(next?);
            next = child.family.older;
            Some(child)
        })
    }

    pub(super) fn get(&self, pid: Pid) -> &Process {
        self.slots[slot_of(pid)]
            .as_deref()
            .expect("a pid that a relative holds is in the table")
    }

    pub(crate) fn get_mut(&mut self, pid: Pid) -> &mut Process {
        self.slots[slot_of(pid)]
            .as_deref_mut()
            .expect("a pid that a relative holds is in the table")
    }

    pub(crate) fn current(&self) -> Pid {
        self.current
    }

    pub(crate) fn current_mut(&mut self) -> &mut Process {
        self.get_mut(self.current)
    }

    /// Processes that wait, and for what.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Pid, State)> {
        self.slots
            .iter()
            .flatten()
            .filter(|process| matches!(process.state, State::Waiting(_)))
            .map(|process| (process.pid, process.state))
    }

    fn make_current(&mut self, pid: Pid) -> *const Context {
        self.current = pid;
        let process = self.current_mut();
        arch::set_kernel_stack(process.kernel_stack.top().as_u64());
        process.address_space().page_table().activate();
        &raw const process.context
    }

    fn link_to_parent(&mut self, pid: Pid, parent: Pid) {
        let older = self.get_mut(parent).family.first_child.replace(pid);
        self.get_mut(pid).family.older = older;
        self.get_mut(pid).family.younger = None;
        if let Some(older) = older {
            self.get_mut(older).family.younger = Some(pid);
        }
    }

    fn unlink_from_parent(&mut self, pid: Pid) {
        let Family {
            parent,
            older,
            younger,
            ..
        } = self.get(pid).family;
        match (younger, parent) {
            (Some(younger), _) => self.get_mut(younger).family.older = older,
            (None, Some(parent)) => self.get_mut(parent).family.first_child = older,
            (None, None) => {}
        }
        if let Some(older) = older {
            self.get_mut(older).family.younger = younger;
        }
    }
}

fn slot_of(pid: Pid) -> usize {
    pid.0 as usize % MAX_PROCESSES
}
