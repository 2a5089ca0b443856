//! Process groups: setpgid and getpgid. There is one session, init's.

use super::{Pid, table};
use crate::errno::Errno;

/// Moves a process, the caller for 0, to a group, its own for 0. In Linux's order: EINVAL for a negative group and for a thread;
/// ESRCH for a process that is neither the caller nor a child; EACCES for a child that has another program by now; EPERM for
/// init, and for a group that there is not.
pub(crate) fn set_group(pid: i32, group: i32) -> Result<(), Errno> {
    table::with_table(|table| {
        let caller = table.current_process().pid;
        let pid = if pid == 0 { caller.0 } else { pid.cast_unsigned() };
        let group = if group == 0 {
            pid
        } else {
            u32::try_from(group).map_err(|_| Errno::EINVAL)?
        };
        if table.find_process(pid).is_none() && table.find_thread(pid).is_some() {
            return Err(Errno::EINVAL);
        }
        let process = table.find_process(pid).ok_or(Errno::ESRCH)?;
        let is_child = process.parent() == Some(caller);
        if is_child && process.has_executed {
            return Err(Errno::EACCES);
        }
        if !is_child && pid != caller.0 {
            return Err(Errno::ESRCH);
        }
        if pid == Pid::INIT.0 || group != pid && !table.is_group(group) {
            return Err(Errno::EPERM);
        }
        table.process(Pid(pid)).group = Pid(group);
        Ok(())
    })
}

/// The group of a process, the caller for 0.
pub(crate) fn group_of(pid: i32) -> Result<Pid, Errno> {
    table::with_table(|table| {
        let process = match pid {
            0 => Some(table.current_process()),
            _ => table.find_process(pid.cast_unsigned()),
        };
        process.map(|process| process.group).ok_or(Errno::ESRCH)
    })
}
