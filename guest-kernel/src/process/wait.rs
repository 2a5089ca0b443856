//! wait4: a parent learns how a child ended, and the child is gone.

use super::events;
use super::thread::Sleep;
use super::{Life, Pid, Process, table};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::sched;

/// Which children the caller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildFilter {
    Any,
    One(u32),
    /// Those of a process group.
    Group(u32),
}

impl ChildFilter {
    fn admits(self, child: &Process) -> bool {
        match self {
            Self::One(number) if !mutant::is(Mutant::WaitWrongChild) => child.pid.as_u32() == number,
            Self::Group(number) => child.group.as_u32() == number,
            Self::Any | Self::One(_) => true,
        }
    }
}

/// What to do while no such child has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    ReturnAtOnce,
}

/// A child that ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited {
    pub(crate) pid: Pid,
    pub(crate) status: u32,
}

/// Takes the status of a child that ended. `None`: there are children, but none of them has ended yet.
pub(crate) fn wait(filter: ChildFilter, patience: Patience) -> Result<Option<Waited>, Errno> {
    loop {
        if let Some(ended) = find_ended(filter)? {
            if !mutant::is(Mutant::ZombieNeverReaped) {
                let zombie = table::with_table(|table| table.remove_process(ended.pid));
                drop(zombie);
                events::reaped(ended.pid);
            }
            return Ok(Some(ended));
        }
        match patience {
            Patience::ReturnAtOnce => return Ok(None),
            Patience::Wait => {
                sched::sleep(Sleep::Child(filter))?;
            }
        }
    }
}

/// The oldest of the children that ended.
fn find_ended(filter: ChildFilter) -> Result<Option<Waited>, Errno> {
    table::with_table(|table| {
        let parent = table.current_process().pid;
        let mut found = Err(Errno::ECHILD);
        for child in table.children(parent).filter(|child| filter.admits(child)) {
            found = match child.life {
                Life::Zombie { status } => Ok(Some(Waited {
                    pid: child.pid,
                    status,
                })),
                Life::Alive | Life::Ending { .. } => found.or(Ok(None)),
                Life::Unwanted => found,
            };
        }
        found
    })
}
