//! Page faults: an access to a page that is not there yet, or not with that permission.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use abi::PAGE_SIZE;

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::frames::{self, Contents, FrameKind, FrameRef, OutOfMemory};
use super::super::image;
use super::super::page_cache::CachedPage;
use super::super::page_table::Entry;
use super::super::swap::{self, DiskError, SlotNumber};
use super::areas::AreaIndex;
use super::unmap::release;
use super::user_fault::{awaits_page, awaits_store};
use super::{AddressSpace, Awaited, Backing, Growth, Protection, Sharing, Vma, cow, layout};
use crate::arch;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

/// What the program tried to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Execute,
}

/// Why a fault cannot be repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultError {
    /// Nothing is mapped there, or not for that access.
    Forbidden,
    /// There is no frame for the page.
    OutOfMemory,
    /// There is an area, and no such page in what is behind it: its file has ended before, or its driver has none.
    NoPage,
    /// A program serves the fault.
    Awaits(Awaited),
    /// The page is on the disk, which cannot read it.
    Unreadable(SlotNumber, DiskError),
}

impl From<OutOfMemory> for FaultError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl AddressSpace {
    /// Makes the access possible, or says why it is not. Faults without cause (another access repaired it first) are none.
    pub(crate) fn handle_fault(&mut self, address: VirtAddr, access: Access) -> Result<(), FaultError> {
        let page = address.page();
        let area = match self.areas.find(page) {
            Some(area) => area,
            None => self.grow_stack_to(page)?,
        };
        if !allows(self.areas.get(area), access) {
            return Err(FaultError::Forbidden);
        }
        self.resolve_in(area, address, access)
    }

    /// Whether there is an area.
    pub(crate) fn is_mapped(&self, address: VirtAddr) -> bool {
        self.area_at(address).is_some()
    }

    /// Whether there is an area that allows the access.
    pub(in crate::mm) fn allows(&self, address: VirtAddr, access: Access) -> bool {
        self.area_at(address).is_some_and(|area| allows(area, access))
    }

    /// Makes the page be there for an access, whether or not its area allows it.
    pub(super) fn resolve(&mut self, address: VirtAddr, access: Access) -> Result<(), FaultError> {
        let area = self.areas.find(address).ok_or(FaultError::Forbidden)?;
        self.resolve_in(area, address, access)
    }

    /// The same for an address whose area is known.
    fn resolve_in(&mut self, area: AreaIndex, address: VirtAddr, access: Access) -> Result<(), FaultError> {
        let page = address.page();
        let entry = self.page_table.lookup(page);
        if entry.is_empty() {
            return match awaits_page(self.areas.get(area), address, access) {
                Some(awaited) => Err(FaultError::Awaits(awaited)),
                None => {
                    self.bring_in(area, page, access)?;
                    if mutant::is(Mutant::TouchBringsNeighbour) {
                        self.bring_neighbour(area, page);
                    }
                    Ok(())
                }
            };
        }
        if let Some(slot) = entry.slot() {
            self.bring_back(area, page, slot, entry)?;
        }
        if access == Access::Write
            && entry.is_guarded()
            && let Some(awaited) = awaits_store(self.areas.get(area), address)
        {
            Err(FaultError::Awaits(awaited))
        } else if entry.slot().is_some() {
            Ok(())
        } else if access == Access::Write && !entry.is_writable() {
            if mutant::is(Mutant::StickyWriteFault) {
                return Err(FaultError::Forbidden);
            }
            self.make_writable(page, entry)
        } else {
            arch::flush_page(page);
            Ok(())
        }
    }

    /// Maps a page that is not there yet.
    fn bring_in(&mut self, area: AreaIndex, page: VirtAddr, access: Access) -> Result<(), FaultError> {
        let area = self.areas.get(area);
        let protection = area.protection;
        let offset_bytes = page.as_u64() - area.range.start().as_u64();
        let entry = match &area.backing {
            Backing::Anonymous if access == Access::Read && mutant::is(Mutant::UserMapsKernelFrame) => {
                let kernel = FrameRef::retain(FrameNumber::containing(image::image_range().start));
                Entry::user(kernel.leave(), protection).read_only()
            }
            Backing::Anonymous => {
                let fresh = frames::allocate(FrameKind::Anonymous, Contents::Zeroed)?;
                Entry::user(fresh.leave(), protection)
            }
            Backing::File {
                file,
                first_page,
                sharing,
            } => match file.page(u64::from(*first_page) + offset_bytes / PAGE_SIZE) {
                CachedPage::Whole(frame) => {
                    let cached = FrameRef::retain(frame);
                    match sharing {
                        Sharing::Private => private_entry(cached, protection, access)?,
                        Sharing::Shared if mutant::is(Mutant::SharedFileWritable) => {
                            Entry::user(cached.leave(), Protection::READ_WRITE)
                        }
                        Sharing::Shared => Entry::user(cached.leave(), protection),
                    }
                }
                CachedPage::Last(last) => Entry::user(last.copy()?.leave(), protection),
                CachedPage::Behind => return Err(FaultError::NoPage),
            },
            Backing::Object {
                object,
                first,
                sharing,
            } => {
                let page = first + offset_bytes / PAGE_SIZE;
                if page >= object.pages() {
                    return Err(FaultError::NoPage);
                }
                let frame = object.frame(page)?;
                match sharing {
                    Sharing::Private => private_entry(frame, protection, access)?,
                    Sharing::Shared => Entry::user(frame.leave(), protection),
                }
            }
            Backing::Device { first } => Entry::device(first.plus(offset_bytes), protection),
            Backing::Lent => return Err(FaultError::Forbidden),
            Backing::Driver { mapping, first_page } => {
                let frame = mapping.fault(u64::from(*first_page) + offset_bytes / PAGE_SIZE)?;
                if mapping.is_private() && !mutant::is(Mutant::DriverPrivateShared) {
                    private_entry(frame, protection, access)?
                } else {
                    Entry::user(frame.leave(), protection)
                }
            }
        };
        let entry = if access == Access::Write {
            entry.dirtied()
        } else {
            entry
        };
        let entry = area.as_locked(entry);
        let installed = self.page_table.install(page, entry);
        installed.inspect_err(|OutOfMemory| {
            // SAFETY: the entry has got its reference above, and is in no page table.
            unsafe { release(entry) };
        })?;
        if !mutant::is(Mutant::ShadowFaultUntracked) {
            shadowpt::pages_changed(&self.page_table, PageRange::single(page));
        }
        Ok(())
    }

    /// What [`Mutant::TouchBringsNeighbour`] does.
    fn bring_neighbour(&mut self, area: AreaIndex, page: VirtAddr) {
        let neighbour = page.plus(PAGE_SIZE);
        let is_there = self.areas.find(neighbour) == Some(area);
        if is_there && self.areas.get(area).is_plain_memory() && self.page_table.lookup(neighbour).is_empty()
        {
            let _ = self.bring_in(area, neighbour, Access::Read);
        }
    }

    /// Maps a page that is on the disk, in a frame of its own whoever else has it.
    fn bring_back(
        &mut self,
        area: AreaIndex,
        page: VirtAddr,
        slot: SlotNumber,
        swapped: Entry,
    ) -> Result<(), FaultError> {
        let area = self.areas.get(area);
        let frame = frames::allocate(FrameKind::Anonymous, Contents::Stale)?;
        swap::read(slot, &frame).map_err(|error| FaultError::Unreadable(slot, error))?;
        let protection = if mutant::is(Mutant::SwapInWritable) {
            Protection::READ_WRITE
        } else {
            area.protection
        };
        let entry = Entry::user(frame.leave(), protection).guarded_like(swapped);
        let entry = area.as_locked(entry);
        self.page_table.replace(page, entry);
        swap::release(slot);
        if !mutant::is(Mutant::ShadowSwapInUntracked) {
            shadowpt::pages_changed(&self.page_table, PageRange::single(page));
        }
        Ok(())
    }

    /// Linux's rules: the area above must be a stack, within its limit, and not come too close to what lies below. Gives the stack.
    fn grow_stack_to(&mut self, page: VirtAddr) -> Result<AreaIndex, FaultError> {
        let stack = self
            .areas
            .at_or_above(page)
            .filter(|area| area.growth == Growth::Down);
        let stack = stack.ok_or(FaultError::Forbidden)?.range;
        if page < layout::LOWEST || stack.end().as_u64() - page.as_u64() > layout::STACK_LIMIT_BYTES {
            return Err(FaultError::Forbidden);
        }
        let below = self
            .areas
            .below(page)
            .filter(|area| area.growth == Growth::Fixed && !area.protection.is_none());
        if below.is_some_and(|area| page.as_u64() - area.range.end().as_u64() < layout::STACK_GUARD_BYTES) {
            return Err(FaultError::Forbidden);
        }
        self.areas.grow_down(stack.start(), page);
        if !mutant::is(Mutant::ShadowStackGrowthUntracked) {
            shadowpt::areas_changed(self, PageRange::new(page, stack.start()));
        }
        self.areas.find(page).ok_or(FaultError::Forbidden)
    }
}

/// Maps a frame that stays another's: a store goes to a copy.
fn private_entry(frame: FrameRef, protection: Protection, access: Access) -> Result<Entry, OutOfMemory> {
    Ok(if access == Access::Write {
        // SAFETY: no Rust value lives in a frame that somebody has a reference to.
        let copy = unsafe { cow::copy_of(frame.number())? };
        Entry::user(copy.leave(), protection)
    } else {
        Entry::user(frame.leave(), protection).read_only()
    })
}

fn allows(area: &Vma, access: Access) -> bool {
    match access {
        Access::Read => !area.protection.is_none(),
        Access::Write => area.protection.allows_write(),
        Access::Execute => area.protection.allows_execute(),
    }
}
