//! wait4: a parent learns how a child ended, and the child is gone; or that one has stopped or goes on.

use abi::linux::process::{WAIT_CONTINUED, WAIT_EXIT_SHIFT, WAIT_STOPPED, WCONTINUED, WUNTRACED};

use super::events;
use super::signal::News;
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

/// What the caller asks for besides ends, as options of wait4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest(u64);

impl Interest {
    pub(crate) fn from_options(options: u64) -> Self {
        Self(options)
    }

    fn is_in(self, news: News) -> bool {
        let option = match news {
            News::Stopped(_) => WUNTRACED,
            News::Continued => WCONTINUED,
        };
        self.0 & option != 0
    }
}

/// A child of which there is something to tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waited {
    pub(crate) pid: Pid,
    pub(crate) status: u32,
    has_ended: bool,
}

/// Takes the status of a child that ended, or what else is of interest. `None`: there are children, but there is nothing yet.
pub(crate) fn wait(
    filter: ChildFilter,
    interest: Interest,
    patience: Patience,
) -> Result<Option<Waited>, Errno> {
    loop {
        if let Some(waited) = find(filter, interest)? {
            if !waited.has_ended {
                table::with_table(|table| table.process(waited.pid).news = None);
            } else if !mutant::is(Mutant::ZombieNeverReaped) {
                let zombie = table::with_table(|table| table.remove_process(waited.pid));
                drop(zombie);
                events::reaped(waited.pid);
            }
            return Ok(Some(waited));
        }
        match patience {
            Patience::ReturnAtOnce => return Ok(None),
            Patience::Wait => {
                sched::sleep(Sleep::Child(filter))?;
            }
        }
    }
}

/// The oldest of the children of which there is something to tell.
fn find(filter: ChildFilter, interest: Interest) -> Result<Option<Waited>, Errno> {
    table::with_table(|table| {
        let parent = table.current_process().pid;
        let mut found = Err(Errno::ECHILD);
        for child in table.children(parent).filter(|child| filter.admits(child)) {
            found = match child.life {
                Life::Zombie { status } => Ok(Some(Waited {
                    pid: child.pid,
                    status,
                    has_ended: true,
                })),
                Life::Alive if child.news.is_some_and(|news| interest.is_in(news)) => {
                    Ok(child.news.map(|news| Waited {
                        pid: child.pid,
                        status: status_of(news),
                        has_ended: false,
                    }))
                }
                Life::Alive | Life::Ending { .. } => found.or(Ok(None)),
                Life::Unwanted => found,
            };
        }
        found
    })
}

fn status_of(news: News) -> u32 {
    match news {
        News::Stopped(signal) => signal << WAIT_EXIT_SHIFT | WAIT_STOPPED,
        News::Continued => WAIT_CONTINUED,
    }
}
