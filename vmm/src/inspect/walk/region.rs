//! Mappings merged into regions, as a person would list them.

use std::fmt;

use super::entry::{Permissions, Root};
use super::scan::{Anomaly, Mapping, mappings};
use crate::address::{Half, VirtAddr};
use crate::inspect::{Effort, Findings, PhysicalMemory};

/// Adjacent pages with equal permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First virtual address.
    pub start: VirtAddr,
    /// Length in bytes.
    pub len_bytes: u64,
    /// What all levels together allow.
    pub permissions: Permissions,
}

/// Regions of a half of an address space, in ascending order, and what is odd about its tables.
#[must_use]
pub fn regions(
    memory: PhysicalMemory<'_>,
    root: Root,
    half: Half,
    effort: &Effort,
) -> (Findings<Region>, Findings<Anomaly>) {
    let mut regions = Regions::new();
    let anomalies = mappings(memory, root, half, effort, |mapping| regions.add(mapping));
    (regions.finish(), anomalies)
}

/// Merges mappings that come in ascending order.
pub(in crate::inspect) struct Regions {
    done: Findings<Region>,
    last: Option<Region>,
}

impl Regions {
    pub(in crate::inspect) const fn new() -> Self {
        Self {
            done: Findings::new(),
            last: None,
        }
    }

    pub(in crate::inspect) fn add(&mut self, mapping: &Mapping) {
        match &mut self.last {
            Some(last) if last.is_continued_by(mapping) => last.len_bytes += mapping.size.bytes(),
            _ => {
                let next = Region {
                    start: mapping.address,
                    len_bytes: mapping.size.bytes(),
                    permissions: mapping.permissions,
                };
                self.done.extend(self.last.replace(next));
            }
        }
    }

    pub(in crate::inspect) fn finish(mut self) -> Findings<Region> {
        self.done.extend(self.last);
        self.done
    }
}

impl Region {
    /// The last address: a region may reach to the very end of the address space, where no end address exists.
    #[must_use]
    pub const fn last(&self) -> VirtAddr {
        VirtAddr(self.start.0 + (self.len_bytes - 1))
    }

    fn is_continued_by(&self, mapping: &Mapping) -> bool {
        self.last().checked_add(1) == Some(mapping.address) && self.permissions == mapping.permissions
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..={} ({})", self.start, self.last(), self.permissions)
    }
}
