//! fork: a second process that sees the same.

#![allow(unsafe_code, reason = "first contents of a kernel stack")]

use super::{Family, Pid, Process, State, table};
use crate::arch::{Context, TrapFrame};
use crate::device::events::{self, Event};
use crate::errno::Errno;
use crate::fs::OpenFiles;
use crate::mm::{AddressSpace, KernelStack, OutOfMemory, try_box};
use crate::mutant::{self, Mutant};
use crate::sched;

/// Makes a child of the process that runs; it returns from the same system call, with 0.
pub(crate) fn fork(frame: &TrapFrame) -> Result<Pid, Errno> {
    let mut child_frame = *frame;
    child_frame.set_system_call_result(0);
    let pid = table::with_table(|table| {
        let pid = table.free_pid().ok_or(Errno::EAGAIN)?;
        let parent = table.current_mut();
        let files = parent.files.clone();
        let parent_pid = parent.pid;
        let address_space = parent.address_space().fork()?;
        add(table, pid, Some(parent_pid), address_space, files, child_frame)?;
        Ok::<_, Errno>(pid)
    })?;
    if !mutant::is(Mutant::ChildNeverRuns) {
        sched::enqueue(pid);
    }
    Ok(pid)
}

/// Adds a process that enters user mode with the registers of `frame` when it first runs.
pub(super) fn add(
    table: &mut table::Table,
    pid: Pid,
    parent: Option<Pid>,
    address_space: AddressSpace,
    files: OpenFiles,
    frame: TrapFrame,
) -> Result<(), OutOfMemory> {
    let root = address_space.page_table().root();
    let kernel_stack = KernelStack::new()?;
    // SAFETY: the stack was just made and nothing uses it.
    let context = unsafe { Context::new(kernel_stack.top().as_u64(), frame) };
    let process = try_box(Process {
        pid,
        family: Family {
            parent,
            ..Family::default()
        },
        state: State::Ready,
        address_space: Some(address_space),
        files,
        kernel_stack,
        context,
    })?;
    table.insert(process);
    events::send(Event::Created { pid, parent, root });
    Ok(())
}
