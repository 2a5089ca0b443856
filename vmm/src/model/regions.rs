//! Where the regions that a scenario names really are.

use std::collections::BTreeMap;
use std::ops::Range;

use abi::PAGE_SIZE;

use crate::address::VirtAddr;
use crate::channel::Channel;
use crate::scenario::{RegionAddress, RegionName};

/// A run of pages with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: VirtAddr,
    /// Length in pages. What was unmapped still counts: a scenario may name it.
    pub pages: u64,
    /// The longest it has been: a heap that shrank keeps the names of its pages for reports.
    pub longest: u64,
}

impl Region {
    /// A new region.
    #[must_use]
    pub fn new(start: VirtAddr, pages: u64) -> Region {
        Region {
            start,
            pages,
            longest: pages,
        }
    }

    /// The same region with another length.
    #[must_use]
    pub fn resized(self, pages: u64) -> Region {
        Region {
            pages,
            longest: self.longest.max(pages),
            ..self
        }
    }

    /// Addresses from `first_page` on, `pages` of them.
    #[must_use]
    pub fn range(&self, first_page: u64, pages: u64) -> Range<VirtAddr> {
        let start = self.start.0 + first_page * PAGE_SIZE;
        VirtAddr(start)..VirtAddr(start + pages * PAGE_SIZE)
    }
}

/// Named regions of every process.
#[derive(Debug, Default)]
pub struct Regions {
    by_process: BTreeMap<Channel, BTreeMap<String, Named>>,
    /// How many were ever set.
    set: u64,
}

/// A region, and when it was set.
#[derive(Clone, Copy, Debug)]
struct Named {
    region: Region,
    nth: u64,
}

impl Regions {
    /// The region called `name` in `process`.
    #[must_use]
    pub fn get(&self, process: Channel, name: &RegionName) -> Option<Region> {
        let named = self.by_process.get(&process)?.get(name.as_str())?;
        Some(named.region)
    }

    /// The address behind a place; None when its region has no address (yet).
    #[must_use]
    pub fn address(&self, process: Channel, place: &RegionAddress) -> Option<VirtAddr> {
        let region = self.get(process, &place.region)?;
        region.start.checked_add(place.offset_bytes()?)
    }

    /// The region around an address, and the number of the page in it; the newest region counts where several lie over each other.
    #[must_use]
    pub fn page(&self, process: Channel, address: VirtAddr) -> Option<(&str, u64)> {
        let (name, named) = self
            .by_process
            .get(&process)?
            .iter()
            .filter(|(_, named)| named.region.range(0, named.region.longest).contains(&address))
            .max_by_key(|(_, named)| named.nth)?;
        Some((name, (address.0 - named.region.start.0) / PAGE_SIZE))
    }

    /// The name of an address, such as `buf+1p+16`.
    #[must_use]
    pub fn name(&self, process: Channel, address: VirtAddr) -> Option<String> {
        let (name, page) = self.page(process, address)?;
        // Regions begin where pages do.
        let byte = address.0 % PAGE_SIZE;
        Some(if byte == 0 {
            format!("{name}+{page}p")
        } else {
            format!("{name}+{page}p+{byte}")
        })
    }

    /// All regions of a process, in the order in which they were set.
    pub(crate) fn of(&self, process: Channel) -> Vec<(&str, Region)> {
        let mut regions: Vec<_> = self.by_process.get(&process).into_iter().flatten().collect();
        regions.sort_by_key(|(_, named)| named.nth);
        let regions = regions.into_iter();
        regions
            .map(|(name, named)| (name.as_str(), named.region))
            .collect()
    }

    pub(crate) fn set(&mut self, process: Channel, name: &str, region: Region) {
        self.set += 1;
        let nth = self.set;
        self.by_process
            .entry(process)
            .or_default()
            .insert(name.to_owned(), Named { region, nth });
    }

    /// The process has another program, and none of these.
    pub(crate) fn clear(&mut self, process: Channel) {
        self.by_process.remove(&process);
    }

    pub(crate) fn fork(&mut self, parent: Channel, child: Channel) {
        let regions = self.by_process.get(&parent).cloned().unwrap_or_default();
        self.by_process.insert(child, regions);
    }
}
