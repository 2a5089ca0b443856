//! An address space: what one process sees, and Linux's rules for changing it.
//!
//! An area ([`Vma`]) says what *should* be at an address; the page table says what *is* there by now. Pages come with the
//! first access (`fault`), and a store to a page with several owners copies it first (`cow`). System calls change areas and
//! take pages away; those that are asked to bring pages in do so as an access would.
//!
//! One verb a file: `map`, `map_file`, `unmap`, `mremap`, `protect`, `advise` and `reclaim` (madvise), `populate`, `lock`, `residency` (mincore
//! and msync), `heap` (brk), `fault`, `cow`, `fork`; `remap` puts frames there from the start, and lends those of the kernel's; `driver`: areas that a driver is behind; `remote` goes past protection;
//! `user_fault`: areas whose faults a program serves; `pagemap` tells what is there. `area` and `areas` hold no hardware and are tested on the host; `layout` has the fixed addresses.
//!
//! There is no page of zeros that everyone shares: a first read of an anonymous page gets a frame of its own.
//!
//! **Invariant:** areas do not overlap, are sorted, and every page that is mapped lies in one.

mod advise;
mod area;
mod areas;
mod cow;
mod driver;
mod fault;
mod fork;
mod heap;
pub(crate) mod layout;
mod lock;
mod map;
mod map_file;
mod mremap;
mod pagemap;
mod populate;
mod protect;
mod protection;
mod reclaim;
mod remap;
mod remote;
mod residency;
mod unmap;
mod user_fault;

use core::sync::atomic::{AtomicU64, Ordering};

use abi::PAGE_SIZE;

use super::address::{PageRange, VirtAddr};
use super::frames::OutOfMemory;
use super::page_cache::CachedBytes;
use super::page_table::PageTable;
use crate::shadowpt;

pub(crate) use area::{AreaFlags, AreaRole, AreaView, Backing, Growth, Vma};
use areas::Areas;
pub(crate) use driver::MapOperations;
pub(crate) use fault::{Access, FaultError};
pub(crate) use fork::copy_on_fork;
use heap::Heap;
pub(crate) use layout::STACK_TOP;
pub(crate) use lock::{Limits, Locking};
pub(crate) use map::{MapRequest, Placement};
pub(crate) use map_file::{NewArea, Sharing};
pub(crate) use pagemap::Numbers;
pub(crate) use protection::Protection;
pub(crate) use remote::{Lookup, be_vulnerable_to_dirty_cow};
pub(crate) use user_fault::{Awaited, AwaitedFor, Guard, Watch, WatchModes};

/// Tells address spaces apart, those that are gone included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpaceId(u64);

impl SpaceId {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// What one process sees.
#[derive(Debug)]
pub(crate) struct AddressSpace {
    id: SpaceId,
    page_table: PageTable,
    areas: Areas,
    heap: Heap,
    /// What is locked of areas that are yet to come (`MCL_FUTURE`).
    future: AreaFlags,
    /// The file of the program that it was made for.
    executable: Option<CachedBytes>,
}

impl AddressSpace {
    /// Nothing but the kernel.
    pub(crate) fn new() -> Result<Self, OutOfMemory> {
        Ok(Self {
            id: SpaceId::next(),
            page_table: PageTable::new()?,
            areas: Areas::new()?,
            heap: Heap::default(),
            future: AreaFlags::default(),
            executable: None,
        })
    }

    /// The file of the program that runs in it.
    pub(crate) fn executable(&self) -> Option<CachedBytes> {
        self.executable
    }

    pub(crate) fn set_executable(&mut self, file: CachedBytes) {
        self.executable = Some(file);
    }

    pub(crate) fn id(&self) -> SpaceId {
        self.id
    }

    pub(crate) fn page_table(&self) -> &PageTable {
        &self.page_table
    }

    /// Whether the address lies in memory that several processes share.
    pub(super) fn is_shared(&self, address: VirtAddr) -> bool {
        self.area_at(address).is_some_and(|area| match &area.backing {
            backing @ (Backing::File { .. } | Backing::Object { .. } | Backing::Driver { .. }) => {
                !backing.is_private()
            }
            Backing::Anonymous | Backing::Device { .. } | Backing::Lent => false,
        })
    }

    /// All areas, lowest first.
    pub(crate) fn views(&self) -> impl Iterator<Item = AreaView<'_>> {
        self.areas.iter().map(|area| AreaView {
            start: area.range.start(),
            end: area.range.end(),
            protection: area.protection,
            is_shared: !area.backing.is_private(),
            role: match &area.backing {
                Backing::Anonymous if area.growth == Growth::Down && area.range.end() == STACK_TOP => {
                    AreaRole::Stack
                }
                Backing::Anonymous if self.heap.touches(area.range) => AreaRole::Heap,
                Backing::Anonymous | Backing::Object { .. } | Backing::Lent => AreaRole::Memory,
                &Backing::File { file, first_page, .. } => AreaRole::File {
                    file,
                    offset_bytes: u64::from(first_page) * PAGE_SIZE,
                },
                &Backing::Device { first } => AreaRole::Device { first },
                Backing::Driver { mapping, first_page } => mapping.role(*first_page),
            },
        })
    }

    /// Which parts of the range lie in areas, lowest first, and what is behind them.
    pub(crate) fn areas_in(&self, range: PageRange) -> impl Iterator<Item = (PageRange, &Backing)> {
        self.areas
            .overlapping(range)
            .filter_map(move |area| Some((area.range.intersection(&range)?, &area.backing)))
    }

    /// Whoever mirrors the address space learns that areas and pages of the range are others now.
    fn note_change(&self, range: PageRange) {
        shadowpt::areas_changed(self, range);
        shadowpt::pages_changed(&self.page_table, range);
    }

    /// Area that holds the address.
    fn area_at(&self, address: VirtAddr) -> Option<&Vma> {
        self.areas.find(address).map(|area| self.areas.get(area))
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        for area in self.areas.iter() {
            unmap::release_pages(&mut self.page_table, area.range);
        }
    }
}
