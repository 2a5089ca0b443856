//! How long a silent process has been waited for.

use std::collections::BTreeSet;

use crate::channel::Channel;
use crate::inspect::walk::Root;

/// Counts how often the ringing agents have come round.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) count: u32,
    /// Agents that have rung since the round began.
    rung: BTreeSet<Channel>,
}

impl Rounds {
    /// An agent rings. Whether that ends a round: it has rung in it before.
    pub(super) fn is_complete_with(&mut self, ringing: Channel) -> bool {
        let is_new = self.rung.insert(ringing);
        if !is_new {
            self.count += 1;
            self.rung.clear();
            self.rung.insert(ringing);
        }
        !is_new
    }
}

/// A process that is waited for.
#[derive(Clone, Copy, Default)]
pub(super) struct Awaited {
    pub(super) pid: Option<u32>,
    /// Its top page table when it last asked.
    pub(super) root: Option<Root>,
    /// The kernel says that it was given the processor, and it has not asked for an operation since.
    pub(super) has_run: bool,
    /// It was seen to have the processor, and has not asked for an operation since.
    pub(super) was_seen: bool,
}
