//! Whether an address space gets the processor, of a guest whose kernel does not say who does: its page table is looked for in CR3 at moments of the
//! host's clock. A process that runs for a tenth of the time is seen sooner or later; one that waits never is.

use std::time::Duration;

use super::super::VmError;
use super::Vcpu;
use crate::inspect::walk::Root;
use crate::scenario::Clock;

/// Time between two looks.
pub(super) const INTERVAL: Duration = Duration::from_millis(3);

/// What is looked for, and whether it was seen.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The page tables with which its process and the kernel run for it; none when nothing is looked for.
    roots: Vec<Root>,
    has_run: bool,
}

impl Vcpu {
    /// From now on these page tables are looked for.
    pub(in crate::vm) fn watch(&mut self, roots: Vec<Root>) {
        self.watched = Watched {
            roots,
            has_run: false,
        };
    }

    /// Whether one of them was in use since this was last asked.
    pub(in crate::vm) fn take_has_run(&mut self) -> bool {
        std::mem::take(&mut self.watched.has_run)
    }

    /// How soon the next look is due; None when there is nothing to look for. With a virtual clock nobody is interrupted.
    pub(super) fn watch_interval(&self) -> Option<Duration> {
        let watches = self.clock == Clock::Real && !self.watched.roots.is_empty();
        watches.then_some(INTERVAL)
    }

    /// Looks.
    pub(super) fn look_who_runs(&mut self) -> Result<(), VmError> {
        if self.watch_interval().is_some() && !self.watched.has_run {
            self.watched.has_run = self.watched.roots.contains(&self.root()?);
        }
        Ok(())
    }
}
