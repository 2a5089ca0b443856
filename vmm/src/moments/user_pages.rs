//! The pages that a process has.

use std::ops::{ControlFlow, Range};

use abi::paging::ENTRIES;

use crate::address::{FrameNumber, Half, VirtAddr};
use crate::inspect::walk::{self, Anomaly, Descend, Mapping, Root, Scanner, Table, Visitor};
use crate::inspect::{Effort, FrameSet, PhysicalMemory};

/// Most pages of a range that are looked at.
const MAX_PAGES: usize = 1 << 16;

/// The pages of a range that are mapped for users, in ascending order, and their frames. Where there are too many to look at, the
/// effort is used up.
pub(super) fn mapped(
    memory: PhysicalMemory<'_>,
    root: Root,
    range: &Range<VirtAddr>,
    effort: &Effort,
) -> Vec<(VirtAddr, FrameNumber)> {
    let mut pages = InRange {
        range,
        effort,
        found: Vec::new(),
    };
    // What cannot be scanned is not mapped: told by the audit after the step, or counted as not looked at.
    let _ = Scanner::new(memory, Half::User, effort).scan(root, &mut pages);
    pages.found
}

struct InRange<'a> {
    range: &'a Range<VirtAddr>,
    effort: &'a Effort,
    found: Vec<(VirtAddr, FrameNumber)>,
}

impl Visitor for InRange<'_> {
    fn table(&mut self, table: &Table) -> Descend {
        let last = table
            .address
            .0
            .saturating_add(table.level.entry_span_bytes() * ENTRIES - 1);
        if table.address < self.range.end && self.range.start.0 <= last {
            Descend::Into
        } else {
            Descend::Past
        }
    }

    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        if self.range.contains(&mapping.address) && mapping.permissions.user {
            if self.found.len() == MAX_PAGES {
                return self.effort.spend(u64::MAX);
            }
            self.found.push((mapping.address, mapping.target.frame()));
        }
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, _: Anomaly) {}
}

/// Number of frames that are mapped for users.
pub(super) fn frames_of(memory: PhysicalMemory<'_>, root: Root, effort: &Effort) -> usize {
    let mut frames = FrameSet::new(memory.frames());
    let _ = walk::mappings(memory, root, Half::User, effort, |mapping| {
        if mapping.permissions.user {
            frames.insert_range(mapping.frames(memory));
        }
    });
    frames.words().iter().map(|word| word.count_ones() as usize).sum()
}
