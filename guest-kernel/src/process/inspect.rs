//! One process looks at another's memory: who may, and how that memory is found again.

use super::{Table, table};
use crate::errno::Errno;
use crate::mm::{AddressSpace, SpaceId};
use crate::process::Pid;

/// The memory that a process had when it was asked for. What the process has after an execve is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryHandle {
    pid: Pid,
    id: SpaceId,
}

impl MemoryHandle {
    /// Of the process that runs.
    pub(crate) fn of_current() -> Self {
        table::with_current(|process| Self {
            pid: process.pid,
            id: process.address_space().id(),
        })
    }

    /// Whose it is, or was.
    pub(crate) fn pid(self) -> Pid {
        self.pid
    }

    /// Runs `f` with the memory; None when it is gone.
    pub(crate) fn with<R>(self, f: impl FnOnce(&mut AddressSpace) -> R) -> Option<R> {
        table::with_table(|table| self.find(table).map(f))
    }

    pub(super) fn find(self, table: &mut Table) -> Option<&mut AddressSpace> {
        let process = table.find_process(self.pid.as_u32())?;
        process.memory().filter(|space| space.id() == self.id)
    }
}

/// A process as those see it who look at its memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inspected {
    /// EACCES when the process that runs may not see it, ESRCH when there is none any more.
    pub(crate) memory: Result<MemoryHandle, Errno>,
    /// User that files about it belong to.
    pub(crate) owner: u32,
}

/// Looks at the process of that number for the one that runs. ENOENT when there is no such process.
pub(crate) fn inspect(number: u32) -> Result<Inspected, Errno> {
    table::with_table(|table| {
        let caller = table.current_process();
        let (caller, credentials) = (caller.pid, caller.credentials);
        let target = table.find_process(number).ok_or(Errno::ENOENT)?;
        let pid = target.pid;
        let memory = match target.memory() {
            None => Err(Errno::ESRCH),
            Some(space) => Ok(MemoryHandle { pid, id: space.id() }),
        };
        let is_allowed = caller == pid || credentials.may_inspect(target.credentials);
        Ok(Inspected {
            memory: memory.and_then(|memory| is_allowed.then_some(memory).ok_or(Errno::EACCES)),
            owner: target.credentials.owner_of_files(),
        })
    })
}
