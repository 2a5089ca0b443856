//! mlock and its like: pages that are brought in, and do not go to the disk.
//!
//! A lock is the address space's: a child of fork has none. Frames that a driver or a device shows stay anyway, and are not counted.
//!
//! **Invariant:** a page that could go to the disk has a locked entry while it lies in a locked area, and at no other time.

use core::convert::Infallible;

use abi::PAGE_SIZE;
use abi::linux::mman::{MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT};

use super::super::address::{PageRange, VirtAddr};
use super::super::page_table::Entry;
use super::super::user_copy::CopyError;
use super::{Access, AddressSpace, AreaFlags, Vma, layout};
use crate::errno::Errno;

/// What a caller may do with its address space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// First address that it may order.
    pub(super) lowest: VirtAddr,
    /// Most pages that it may lock.
    locked_pages: u64,
}

impl Limits {
    pub(crate) const SUPERUSER: Self = Self {
        lowest: VirtAddr::new(0),
        locked_pages: u64::MAX,
    };
    pub(crate) const USER: Self = Self {
        lowest: layout::LOWEST,
        locked_pages: layout::LOCK_LIMIT_BYTES / PAGE_SIZE,
    };

    pub(crate) fn lowest(self) -> VirtAddr {
        self.lowest
    }
}

/// When locked pages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    Now,
    /// With their first access (`MLOCK_ONFAULT`).
    OnFault,
}

impl Locking {
    fn flags(self) -> AreaFlags {
        match self {
            Self::Now => AreaFlags::LOCKED,
            Self::OnFault => AreaFlags::LOCKINGS,
        }
    }
}

impl AddressSpace {
    /// mlock and mlock2. ENOMEM for more than may be locked, for a hole, and for a page that cannot be had; what came before it is
    /// locked by then, as on Linux.
    pub(crate) fn lock(
        &mut self,
        start: VirtAddr,
        bytes: u64,
        locking: Locking,
        limits: Limits,
    ) -> Result<(), CopyError> {
        let bytes = covering_bytes(start, bytes);
        let range = PageRange::from_length(start.page(), bytes);
        // What is locked already does not count twice.
        let again = range.map_or(0, |range| self.locked_pages_in(range));
        let pages = self.locked_pages() + bytes / PAGE_SIZE - again;
        if pages > limits.locked_pages {
            return Err(Errno::ENOMEM.into());
        }
        let range = range.ok_or(Errno::EINVAL)?;
        self.set_locking(range, locking.flags())?;
        self.bring_in_to_stay(range)
    }

    /// munlock
    pub(crate) fn unlock(&mut self, start: VirtAddr, bytes: u64) -> Result<(), Errno> {
        let range = PageRange::from_length(start.page(), covering_bytes(start, bytes));
        self.set_locking(range.ok_or(Errno::EINVAL)?, AreaFlags::default())
    }

    /// mlockall. A page that cannot be had comes later, if it ever does.
    pub(crate) fn lock_all(&mut self, flags: u64, limits: Limits) -> Result<(), Errno> {
        let is_known = flags & !(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
        if !is_known || flags & (MCL_CURRENT | MCL_FUTURE) == 0 {
            return Err(Errno::EINVAL);
        }
        let locking = if flags & MCL_ONFAULT == 0 {
            Locking::Now.flags()
        } else {
            Locking::OnFault.flags()
        };
        let is_for_all = flags & MCL_CURRENT != 0;
        let pages: u64 = self.areas.iter().map(|area| area.range.pages()).sum();
        if is_for_all && pages > limits.locked_pages {
            return Err(Errno::ENOMEM);
        }
        self.future = if flags & MCL_FUTURE == 0 {
            AreaFlags::default()
        } else {
            locking
        };
        if is_for_all {
            self.set_locking_of_all(locking);
            let mut end = VirtAddr::new(0);
            while let Some(area) = self.areas.at_or_above(end) {
                let range = area.range;
                let _ = self.bring_in_to_stay(range);
                end = range.end();
            }
        }
        Ok(())
    }

    /// munlockall
    pub(crate) fn unlock_all(&mut self) {
        self.future = AreaFlags::default();
        self.set_locking_of_all(AreaFlags::default());
    }

    /// How an area is locked that is about to come, with what its caller wants.
    pub(crate) fn locking_of_new(&self, wanted: Option<Locking>) -> AreaFlags {
        match wanted {
            Some(locking) => self.future.with(locking.flags()),
            None => self.future,
        }
    }

    /// EAGAIN if no so many bytes more may be locked.
    pub(crate) fn check_lockable(&self, more_bytes: u64, limits: Limits) -> Result<(), Errno> {
        if self.locked_pages() + more_bytes / PAGE_SIZE > limits.locked_pages {
            Err(Errno::EAGAIN)
        } else {
            Ok(())
        }
    }

    /// Has pages of one area that are new there be there at once if it is locked. One that cannot be had comes later.
    pub(super) fn bring_in_locked(&mut self, range: PageRange) {
        if self
            .area_at(range.start())
            .is_some_and(|area| area.flags.has(AreaFlags::LOCKED))
        {
            let _ = self.bring_in_to_stay(range);
        }
    }

    /// Up to the first hole, which is ENOMEM.
    fn set_locking(&mut self, range: PageRange, locking: AreaFlags) -> Result<(), Errno> {
        let (covered, result) = self.covered_without_hole(range);
        if !covered.is_empty() {
            self.areas.reserve_change()?;
            self.areas.change(covered, |area| area.set_locking(locking));
            self.mark_entries(covered, locking);
        }
        result
    }

    fn set_locking_of_all(&mut self, locking: AreaFlags) {
        let all = PageRange::new(VirtAddr::new(0), layout::TASK_END);
        self.areas.change_whole(all, |area| area.set_locking(locking));
        self.mark_entries(all, locking);
    }

    /// The processor does not look at the mark, so nothing that it has cached goes.
    fn mark_entries(&mut self, range: PageRange, locking: AreaFlags) {
        let mark = |entry: Entry| match locking.has(AreaFlags::LOCKED) {
            true if entry.maps_memory() => entry.locked(),
            true => entry,
            false => entry.unlocked(),
        };
        let Ok(()) = self
            .page_table
            .try_update_unflushed::<Infallible>(range, |_, entry| Ok(mark(entry)));
    }

    /// Has the pages of locked areas be there, writable where stores are the process's own. Neither those that come with their first
    /// access nor what is there from the start.
    fn bring_in_to_stay(&mut self, range: PageRange) -> Result<(), CopyError> {
        let mut page = range.start();
        while page < range.end() {
            let area = self.area_at(page).ok_or(Errno::ENOMEM)?;
            if area.backing.is_fixed() || area.flags.has(AreaFlags::LOCKED_ON_FAULT) {
                page = area.range.end();
                continue;
            }
            let stores = area.backing.is_private() && area.protection.allows_write();
            let access = if stores { Access::Write } else { Access::Read };
            self.fault_in(page, access, [Errno::EAGAIN, Errno::ENOMEM])?;
            page = page.plus(PAGE_SIZE);
        }
        Ok(())
    }

    fn locked_pages(&self) -> u64 {
        self.locked_pages_in(PageRange::new(VirtAddr::new(0), layout::TASK_END))
    }

    fn locked_pages_in(&self, range: PageRange) -> u64 {
        let locked = self
            .areas
            .overlapping(range)
            .filter(|area| area.flags.has(AreaFlags::LOCKED));
        let parts = locked.filter_map(|area| area.range.intersection(&range));
        parts.map(|part| part.pages()).sum()
    }
}

impl Vma {
    /// The entry of a page of the area, as its locks want it.
    pub(super) fn as_locked(&self, entry: Entry) -> Entry {
        if self.flags.has(AreaFlags::LOCKED) {
            entry.locked()
        } else {
            entry
        }
    }

    fn set_locking(&mut self, locking: AreaFlags) {
        if !self.backing.is_fixed() {
            self.flags = self.flags.without(AreaFlags::LOCKINGS).with(locking);
        }
    }
}

/// Bytes of the whole pages that a range reaches into. Nothing for one that wraps around, as on Linux.
fn covering_bytes(start: VirtAddr, bytes: u64) -> u64 {
    let end_in_pages = bytes
        .wrapping_add(start.page_offset())
        .wrapping_add(PAGE_SIZE - 1);
    end_in_pages & !(PAGE_SIZE - 1)
}
