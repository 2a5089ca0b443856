//! What a child of fork has of its parent's memory.

use std::ops::Range;

use super::{Backing, Model, Removal, page_numbers};
use crate::address::VirtAddr;
use crate::channel::Channel;

/// What becomes of a page in a child of fork, as madvise has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AtFork {
    pub(super) is_left_out: bool,
    pub(super) is_wiped: bool,
}

/// A change of what becomes of pages in a child of fork.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkAdvice {
    /// The child does not have them.
    LeaveOut,
    /// The child has them.
    Pass,
    /// The child finds zeros.
    Wipe,
    /// The child finds what they hold.
    Keep,
}

impl Model {
    /// `child` has what `parent` has: a copy of what is private, the very pages that are shared, and nothing that was lent.
    pub fn fork(&mut self, parent: Channel, child: Channel) {
        let mut memory = self.processes.get(&parent).cloned().unwrap_or_default();
        let left_out = memory.pages.extract_if(.., |_, page| {
            page.at_fork.is_left_out || matches!(page.backing, Backing::Lent(_))
        });
        memory
            .removed
            .extend(left_out.map(|(number, _)| (number, Removal::Fork)));
        for page in memory.pages.values_mut().filter(|page| page.at_fork.is_wiped) {
            if let Backing::Private(contents) = &mut page.backing {
                *contents = None;
            }
        }
        self.processes.insert(child, memory);
    }

    /// madvise of what children have.
    pub fn advise_fork(&mut self, process: Channel, range: Range<VirtAddr>, advice: ForkAdvice) {
        for (_, page) in self.memory(process).pages.range_mut(page_numbers(&range)) {
            match advice {
                ForkAdvice::LeaveOut => page.at_fork.is_left_out = true,
                ForkAdvice::Pass => page.at_fork.is_left_out = false,
                ForkAdvice::Wipe => page.at_fork.is_wiped = true,
                ForkAdvice::Keep => page.at_fork.is_wiped = false,
            }
        }
    }
}
