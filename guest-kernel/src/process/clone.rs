//! clone: a further thread of the process, or a child as fork makes it.
//!
//! Two combinations of flags have a meaning here, those that a C library uses for `pthread_create` and for `fork`. All
//! others are refused with EINVAL.

use abi::linux::process::{
    CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_DETACHED, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID,
    CLONE_SETTLS, CLONE_SIGHAND, CLONE_SIGNAL_MASK, CLONE_SYSVSEM, CLONE_THREAD, CLONE_VM, SIGCHLD,
};

use super::events;
use super::fork::{self, fork};
use super::thread::Tid;
use super::{copy, table};
use crate::arch::TrapFrame;
use crate::errno::Errno;
use crate::mm::{AddressSpace, CopyError, UserSlice, VirtAddr};
use crate::sched;

/// What a thread of the same process shares: everything.
const THREAD: u64 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
/// Flags that a thread may have besides; the semaphore list is that of a process which has none.
const THREAD_OPTIONS: u64 = CLONE_SYSVSEM
    | CLONE_DETACHED
    | CLONE_SETTLS
    | CLONE_PARENT_SETTID
    | CLONE_CHILD_SETTID
    | CLONE_CHILD_CLEARTID;
/// Flags that a child process may have.
const FORK_OPTIONS: u64 = CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;

/// The arguments of the system call.
#[derive(Clone, Copy, Debug)]
struct Request {
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
}

/// Gives the new thread's or process's number.
pub(crate) fn clone(
    flags: u64,
    stack: u64,
    parent_tid: u64,
    child_tid: u64,
    tls: u64,
    frame: &TrapFrame,
) -> Result<u64, Errno> {
    let request = Request {
        flags,
        stack,
        parent_tid,
        child_tid,
        tls,
    };
    let number = if flags & THREAD == THREAD && flags & !(THREAD | THREAD_OPTIONS) == 0 {
        spawn(request, frame)?
    } else if flags & !FORK_OPTIONS == u64::from(SIGCHLD) & CLONE_SIGNAL_MASK {
        fork_with(request, frame)?
    } else {
        return Err(Errno::EINVAL);
    };
    Ok(number.into())
}

impl Request {
    fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    fn frame(&self, parent: &TrapFrame) -> TrapFrame {
        let mut frame = *parent;
        frame.set_system_call_result(0);
        if self.stack != 0 {
            frame.set_stack(VirtAddr::new(self.stack));
        }
        frame
    }

    /// Where the child's number goes in the memory that it sees. Linux does not mind a bad address either.
    fn store_for_child(&self, space: &mut AddressSpace, number: u32) -> Result<(), CopyError> {
        if !self.has(CLONE_CHILD_SETTID) {
            return Ok(());
        }
        match store_number(space, self.child_tid, number) {
            Err(CopyError::Refused(_)) => Ok(()),
            result => result,
        }
    }

    /// What is cleared at the thread's end.
    fn clear_at_end(&self) -> u64 {
        if self.has(CLONE_CHILD_CLEARTID) {
            self.child_tid
        } else {
            0
        }
    }
}

fn spawn(request: Request, frame: &TrapFrame) -> Result<u32, Errno> {
    let frame = request.frame(frame);
    let tid = copy::patiently(|table| {
        let number = table.free_number()?;
        let caller = table.current_thread();
        let mut user_state = caller.user_state.clone();
        user_state.save();
        let mask = caller.signal_mask();
        if request.has(CLONE_SETTLS) {
            user_state = user_state.with_fs_base(request.tls);
        }
        let process = table.current_process();
        let pid = process.pid();
        table::reserve_thread(process)?;
        let space = process.address_space();
        if request.has(CLONE_PARENT_SETTID) {
            store_number(space, request.parent_tid, number)?;
        }
        request.store_for_child(space, number)?;
        let tid = Tid::new(number);
        let mut thread = fork::new_thread(tid, pid, frame, user_state, mask)?;
        thread.set_clear_at_end(request.clear_at_end());
        table.insert_thread(thread);
        events::thread_created(tid, pid);
        Ok(tid)
    })?;
    sched::enqueue(tid);
    Ok(tid.as_u32())
}

fn fork_with(request: Request, frame: &TrapFrame) -> Result<u32, Errno> {
    let pid = fork(&request.frame(frame), |space, thread| {
        // Nobody serves the child's faults, so there is nothing to wait for.
        let _ = request.store_for_child(space, thread.tid().as_u32());
        thread.set_clear_at_end(request.clear_at_end());
        if request.has(CLONE_SETTLS) {
            let state = thread.user_state();
            *state = state.clone().with_fs_base(request.tls);
        }
    })?;
    if request.has(CLONE_PARENT_SETTID) {
        // The child exists, whatever becomes of this: so it is on Linux.
        let _ = copy::with_memory(|space| store_number(space, request.parent_tid, pid.as_u32()));
    }
    Ok(pid.as_u32())
}

fn store_number(space: &mut AddressSpace, address: u64, number: u32) -> Result<(), CopyError> {
    space.write(UserSlice::new(address, 4)?, &number.to_le_bytes())
}
