//! Processes and threads by number, who is whose child, and who runs.

#![allow(unsafe_code, reason = "switching to another thread's kernel stack")]

mod sleepers;

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::events;
use super::thread::{State, Thread, Tid};
use super::{Family, Life, Pid, Process};
use crate::arch::{self, Context};
use crate::errno::Errno;
use crate::mm::{MAX_STACKS, OutOfMemory, fault_injection};
use crate::mutant::{self, Mutant};
use crate::sync::Lock;

/// Each thread has a kernel stack, and each process a thread.
const MAX_NUMBERS: usize = MAX_STACKS;
/// Numbers start again from 2 after this one.
const LAST_NUMBER: u32 = 32767;

static TABLE: Lock<Table> = Lock::new(Table {
    processes: [const { None }; MAX_NUMBERS],
    threads: [const { None }; MAX_NUMBERS],
    in_use: 0,
    last_number: 0,
    has_wrapped: false,
    current: Tid::NOBODY,
    departed: None,
});

/// All processes and threads. The slot of a number is the number modulo how many slots there are, for both alike.
pub(crate) struct Table {
    processes: [Option<Box<Process>>; MAX_NUMBERS],
    threads: [Option<Box<Thread>>; MAX_NUMBERS],
    /// Slots with a process, a thread, or both.
    in_use: usize,
    last_number: u32,
    /// Numbers are given out for a second time, so one may be a group's that lives on without the process it is named after.
    has_wrapped: bool,
    current: Tid,
    /// Ended, but its kernel stack was in use until the switch.
    departed: Option<Tid>,
}

/// Runs `f` with the table.
pub(crate) fn with_table<R>(f: impl FnOnce(&mut Table) -> R) -> R {
    f(&mut TABLE.lock())
}

/// Runs `f` with the process that runs.
pub(crate) fn with_current<R>(f: impl FnOnce(&mut Process) -> R) -> R {
    with_table(|table| f(table.current_process()))
}

/// Runs `f` with the thread that runs.
pub(crate) fn with_thread<R>(f: impl FnOnce(&mut Thread) -> R) -> R {
    with_table(|table| f(table.current_thread()))
}

/// Leaves the kernel stack of the thread that runs for that of `next`; returns when someone switches back. It may be the same thread.
pub(crate) fn switch_to(next: Tid) {
    let contexts = with_table(|table| {
        let leaving = table.current;
        if leaving == next {
            return None;
        }
        if !mutant::is(Mutant::SseNotSaved) {
            table.current_thread().user_state.save();
        }
        match fault_injection::pause() {
            0 => {}
            left => table.current_process().fail_nth = left,
        }
        table.make_current(next);
        Some(table.contexts(leaving, next))
    });
    let Some((from, to)) = contexts else { return };
    // SAFETY: both threads are boxed and stay in the table: the one that is left is thrown away, if it has ended, by the next
    // one, after the switch. `next` does not run, so its context is the one it left.
    unsafe { arch::switch(from, to) };
    finish_switch();
}

/// What the next thread does for the one that it follows.
pub(crate) fn finish_switch() {
    let departed = with_table(|table| {
        let tid = table.departed.take()?;
        let thread = table.take_thread(tid)?;
        let process = table.take_unwanted(thread.process);
        Some((thread, process))
    });
    drop(departed);
}

/// Starts the first thread, on its own kernel stack.
pub(super) fn start_first() -> ! {
    let first = with_table(|table| {
        table.make_current(Pid::INIT.into());
        &raw const table.current_thread().context
    });
    events::switched(Pid::INIT.into(), Tid::NOBODY, State::Ended);
    let mut nowhere = Context::abandoned();
    // SAFETY: the first thread has a fresh context, and nothing comes back to the boot stack.
    unsafe { arch::switch(&raw mut nowhere, first) };
    unreachable!("nothing switches to the boot stack");
}

impl Table {
    /// A number that no process and no thread has.
    pub(super) fn free_number(&mut self) -> Result<u32, Errno> {
        if self.in_use == MAX_NUMBERS {
            return Err(Errno::EAGAIN);
        }
        let mut number = self.last_number;
        loop {
            number += 1;
            if number > LAST_NUMBER {
                number = Pid::INIT.0 + 1;
                self.has_wrapped = true;
            }
            let slot = slot_of(number);
            let is_free = self.processes[slot].is_none() && self.threads[slot].is_none();
            if is_free && !(self.has_wrapped && self.is_group(number)) {
                return Ok(number);
            }
        }
    }

    /// Adds a process as the youngest child of its parent. Its first thread follows.
    pub(super) fn insert_process(&mut self, mut process: Box<Process>) {
        let (pid, parent) = (process.pid, process.family.parent);
        process.family = Family {
            parent,
            ..Family::default()
        };
        self.processes[slot_of(pid.0)] = Some(process);
        self.in_use += 1;
        self.last_number = pid.0;
        if let Some(parent) = parent {
            self.link_to_parent(pid, parent);
        }
    }

    /// Adds a thread to its process, which has room for its number.
    pub(super) fn insert_thread(&mut self, thread: Box<Thread>) {
        let (tid, pid) = (thread.tid, thread.process);
        self.process(pid).threads.push(tid);
        let slot = slot_of(tid.as_u32());
        self.in_use += usize::from(self.processes[slot].is_none());
        self.last_number = tid.as_u32();
        self.threads[slot] = Some(thread);
    }

    /// Takes a process out; its parent and siblings forget it.
    pub(super) fn remove_process(&mut self, pid: Pid) -> Box<Process> {
        self.unlink_from_parent(pid);
        let slot = slot_of(pid.0);
        self.in_use -= usize::from(self.threads[slot].is_none());
        self.processes[slot].take().expect(IN_TABLE)
    }

    /// Takes out a process that has ended and that nobody waits for.
    fn take_unwanted(&mut self, pid: Pid) -> Option<Box<Process>> {
        let process = self.find_process(pid.0)?;
        (process.life == Life::Unwanted).then(|| self.remove_process(pid))
    }

    /// Takes the thread that runs out of its process; it stays in the table until the next one runs. Gives what other threads
    /// the process has.
    pub(super) fn detach_current(&mut self) -> &[Tid] {
        let tid = self.current;
        self.current_thread().state = State::Ended;
        self.departed = Some(tid);
        let process = self.current_process();
        process.threads.retain(|&other| other != tid);
        if process.threads.is_empty() {
            process.threads = Vec::new();
        }
        &process.threads
    }

    fn take_thread(&mut self, tid: Tid) -> Option<Box<Thread>> {
        let slot = slot_of(tid.as_u32());
        self.in_use -= usize::from(self.processes[slot].is_none());
        self.threads[slot].take()
    }

    /// Gives all children of a process to another one, and tells whether one of them has ended.
    pub(super) fn give_children(&mut self, from: Pid, to: Pid) -> bool {
        let mut any_zombie = false;
        while let Some(child) = self.process(from).family.first_child {
            self.unlink_from_parent(child);
            self.process(child).family.parent = Some(to);
            self.link_to_parent(child, to);
            any_zombie |= self.process(child).threads.is_empty();
            events::adopted(child, to);
        }
        any_zombie
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

    /// The processes that there are, one after the other: the first one in a slot from `slot` on, and the slot behind it.
    pub(super) fn next_process(&self, slot: usize) -> Option<(Pid, usize)> {
        let found = self.processes[slot..].iter().position(Option::is_some)? + slot;
        let process = self.processes[found].as_deref()?;
        Some((process.pid, found + 1))
    }

    /// Whether some process is in the group of that number.
    pub(super) fn is_group(&self, number: u32) -> bool {
        self.processes
            .iter()
            .flatten()
            .any(|process| process.group.0 == number)
    }

    /// The process of that number, if there is one.
    pub(crate) fn find_process(&mut self, number: u32) -> Option<&mut Process> {
        self.processes[slot_of(number)]
            .as_deref_mut()
            .filter(|process| process.pid.0 == number)
    }

    /// The thread of that number, if there is one.
    pub(super) fn find_thread(&mut self, number: u32) -> Option<&mut Thread> {
        self.threads[slot_of(number)]
            .as_deref_mut()
            .filter(|thread| thread.tid.as_u32() == number)
    }

    fn get(&self, pid: Pid) -> &Process {
        self.processes[slot_of(pid.0)].as_deref().expect(IN_TABLE)
    }

    pub(crate) fn process(&mut self, pid: Pid) -> &mut Process {
        self.processes[slot_of(pid.0)].as_deref_mut().expect(IN_TABLE)
    }

    pub(crate) fn thread(&mut self, tid: Tid) -> &mut Thread {
        self.threads[slot_of(tid.as_u32())]
            .as_deref_mut()
            .expect(IN_TABLE)
    }

    pub(crate) fn current(&self) -> Tid {
        self.current
    }

    pub(crate) fn current_thread(&mut self) -> &mut Thread {
        self.thread(self.current)
    }

    pub(crate) fn current_process(&mut self) -> &mut Process {
        let pid = self.current_thread().process;
        self.process(pid)
    }

    /// Whether the thread that runs is to leave the kernel only to end.
    pub(crate) fn current_must_end(&mut self) -> bool {
        let tid = self.current;
        self.current_process().must_end(tid)
    }

    /// Where the contexts of two threads are. The pointers hold until somebody refers to one of the threads again.
    fn contexts(&mut self, from: Tid, to: Tid) -> (*mut Context, *const Context) {
        let slots = [from, to].map(|tid| slot_of(tid.as_u32()));
        let both = self.threads.get_disjoint_mut(slots);
        let [Some(from), Some(to)] = both.expect("two threads have two slots") else {
            panic!("{IN_TABLE}");
        };
        (&raw mut from.context, &raw const to.context)
    }

    fn make_current(&mut self, tid: Tid) {
        self.current = tid;
        let thread = self.current_thread();
        thread.user_state.restore();
        arch::set_kernel_stack(thread.kernel_stack.top().as_u64());
        let process = self.current_process();
        process.address_space().page_table().activate();
        match core::mem::take(&mut process.fail_nth) {
            0 => {}
            left => fault_injection::fail_nth(left),
        }
    }

    fn link_to_parent(&mut self, pid: Pid, parent: Pid) {
        let older = self.process(parent).family.first_child.replace(pid);
        self.process(pid).family.older = older;
        self.process(pid).family.younger = None;
        if let Some(older) = older {
            self.process(older).family.younger = Some(pid);
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
            (Some(younger), _) => self.process(younger).family.older = older,
            (None, Some(parent)) => self.process(parent).family.first_child = older,
            (None, None) => {}
        }
        if let Some(older) = older {
            self.process(older).family.younger = younger;
        }
    }
}

/// Numbers are held by relatives, queues and the one that runs, and all of those let go before a slot is emptied.
const IN_TABLE: &str = "a number that somebody holds is in the table";

fn slot_of(number: u32) -> usize {
    number as usize % MAX_NUMBERS
}

/// Room for the number of one more thread.
pub(super) fn reserve_thread(process: &mut Process) -> Result<(), OutOfMemory> {
    process.threads.try_reserve(1).map_err(|_| OutOfMemory)
}
