//! fork: a second process that sees the same.

#![allow(unsafe_code, reason = "first contents of a kernel stack")]

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::events;
use super::signal::{AlternateStack, Pending, SignalSet};
use super::thread::{State, Thread, Tid, Woken};
use super::{Family, Heritage, Life, Pid, Process, RealTimer, table};
use crate::arch::{Context, TrapFrame, UserState};
use crate::errno::Errno;
use crate::mm::{AddressSpace, KernelStack, OutOfMemory, try_box};
use crate::mutant::{self, Mutant};
use crate::sched::{self, Site};

/// Makes a child of the process that runs, with one thread: it returns from the same system call, with 0. `adjust` sees the
/// child before it first runs.
pub(crate) fn fork(
    frame: &TrapFrame,
    adjust: impl FnOnce(&mut AddressSpace, &mut Thread),
) -> Result<Pid, Errno> {
    sched::reschedule_point(Site::Fork);
    let mut child_frame = *frame;
    child_frame.set_system_call_result(0);
    let pid = table::with_table(|table| {
        if table.current_must_end() {
            return Err(Errno::EINTR);
        }
        let pid = Pid(table.free_number()?);
        let caller = table.current_thread();
        let mut user_state = caller.user_state.clone();
        user_state.save();
        let (mask, alternate_stack) = (caller.signal_mask, caller.alternate_stack);
        let parent = table.current_process();
        let (parent_pid, heritage) = (parent.pid, parent.heritage()?);
        let mut address_space = parent.address_space().fork()?;
        let mut thread = new_thread(pid.into(), pid, child_frame, user_state, mask)?;
        thread.alternate_stack = alternate_stack;
        adjust(&mut address_space, &mut thread);
        add(table, Some(parent_pid), heritage, address_space, thread)?;
        Ok::<_, Errno>(pid)
    })?;
    if !mutant::is(Mutant::ChildNeverRuns) {
        sched::enqueue(pid.into());
    }
    Ok(pid)
}

impl Process {
    fn heritage(&self) -> Result<Heritage, OutOfMemory> {
        Ok(Heritage {
            files: self.files.clone(),
            credentials: self.credentials,
            group: self.group,
            actions: self.actions.try_clone()?,
        })
    }
}

/// A thread that enters user mode with the registers of `frame` when it first runs.
pub(super) fn new_thread(
    tid: Tid,
    process: Pid,
    frame: TrapFrame,
    user_state: UserState,
    signal_mask: SignalSet,
) -> Result<Box<Thread>, OutOfMemory> {
    let kernel_stack = KernelStack::new()?;
    // SAFETY: the stack was just made and nothing uses it.
    let context = unsafe { Context::new(kernel_stack.top().as_u64(), frame) };
    try_box(Thread {
        tid,
        process,
        state: State::Runnable,
        woken: Ok(Woken::ByEvent),
        kernel_stack,
        context,
        user_state,
        clear_at_end: 0,
        signal_mask,
        pending: Pending::default(),
        forced: None,
        is_signalled: false,
        suspended_mask: None,
        alternate_stack: AlternateStack::NONE,
        restart: None,
        exception: None,
    })
}

/// Adds a process and its first thread.
pub(super) fn add(
    table: &mut table::Table,
    parent: Option<Pid>,
    heritage: Heritage,
    address_space: AddressSpace,
    thread: Box<Thread>,
) -> Result<(), OutOfMemory> {
    let pid = thread.process;
    let Heritage {
        files,
        credentials,
        group,
        actions,
    } = heritage;
    let root = address_space.page_table().root();
    let mut process = try_box(Process {
        pid,
        family: Family {
            parent,
            ..Family::default()
        },
        life: Life::Alive,
        threads: Vec::new(),
        survivor: None,
        first_threads_status: 0,
        address_space: Some(address_space),
        files,
        credentials,
        group,
        has_executed: false,
        fail_nth: 0,
        pending: Pending::default(),
        actions,
        stopped_by: None,
        has_stopped: false,
        real_timer: RealTimer::default(),
        news: None,
    })?;
    table::reserve_thread(&mut process)?;
    table.insert_process(process);
    table.insert_thread(thread);
    events::created(pid, parent, root);
    Ok(())
}
