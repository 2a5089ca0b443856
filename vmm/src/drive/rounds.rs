//! How long a silent process has been waited for.

use std::collections::BTreeSet;

use crate::channel::Channel;

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

/// A process that is waited for, as far as the kernel tells of it.
#[derive(Clone, Copy, Default)]
pub(super) struct Awaited {
    pub(super) pid: Option<u32>,
    /// It was given the processor and has not asked for an operation since.
    pub(super) has_run: bool,
}
