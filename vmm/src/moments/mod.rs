//! What is looked at between two operations, at the moments that the kernel tells of.
//!
//! Much happens inside one operation, and what was wrong may be right again when the next agent rings. So the machine stops when
//! the kernel tells of certain moments, and what is in memory then is written down here; the judge gets it with the next step.
//!
//! - `protection`: the kernel's own mappings, when it changes them
//! - `programs`: who has which memory while programs run
//! - `user_faults`: faults that programs serve; `user_pages`: the pages that a process has then
//!
//! **Invariant:** what a guest can have kept here is bounded; what is not looked at any more is counted.

mod programs;
mod protection;
mod user_faults;
mod user_pages;

pub use user_faults::{Interval, SeenFault, Served, Sighting};

use crate::channel::Event;
use crate::inspect::audit::{KernelFinding, UserFinding};
use crate::inspect::owners::Space;
use crate::inspect::{Effort, Findings};
use crate::vm::{Stop, VmError};
use programs::Programs;
pub(crate) use programs::process_of;
use protection::Protection;
use user_faults::UserFaults;

/// Looks at moments, and keeps what it has seen until it is asked.
#[derive(Debug, Default)]
pub struct Moments {
    programs: Programs,
    protection: Protection,
    user_faults: UserFaults,
    /// What may be looked at.
    effort: Effort,
}

/// What was seen since somebody last asked.
#[derive(Debug, Default)]
pub struct Seen {
    /// What was wrong with the kernel's own mappings.
    pub protection: Findings<KernelFinding>,
    /// Changes of the kernel's own mappings that were not looked at, because there were too many, from the beginning on.
    pub protection_missed: u64,
    /// What was wrong with the memory of processes while programs ran.
    pub programs: Findings<UserFinding>,
    /// Moments within programs that were not looked at, because there were too many, from the beginning on.
    pub programs_missed: u64,
    /// Faults that programs serve.
    pub user_faults: Sighting,
}

impl Moments {
    /// Looks at the machine, which stands still because the kernel has told of this moment; `spaces` are the address spaces
    /// that are known.
    ///
    /// # Errors
    /// The host failed.
    pub fn look(&mut self, moment: &Event, stop: &mut Stop<'_>, spaces: &[Space]) -> Result<(), VmError> {
        match moment {
            Event::PagesProtected => self.protection.look(stop, spaces, &self.effort),
            Event::UserFaultRegistered { .. } | Event::UserFault { .. } | Event::UserFaultServed { .. } => {
                self.user_faults.look(moment, stop, &self.effort)
            }
            moment => self.programs.look(moment, stop, spaces, &self.effort),
        }
    }

    /// What was seen since this was last called.
    pub fn take(&mut self) -> Seen {
        self.effort.renew();
        Seen {
            programs: self.programs.take(),
            programs_missed: self.programs.missed(),
            protection: self.protection.take(),
            protection_missed: self.protection.missed(),
            user_faults: self.user_faults.take(),
        }
    }
}
