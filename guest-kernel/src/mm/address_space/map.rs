//! mmap: where an area goes, and putting it there.

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::page_table::Entry;
use super::super::{frames, swap};
use super::{AddressSpace, AreaFlags, Backing, Growth, Protection, Sharing, Vma, layout};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};

/// What the caller says about the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Near here if it is free, else anywhere.
    Hint(VirtAddr),
    /// Here, in place of what is there.
    Fixed(VirtAddr),
    /// Here, or not at all.
    FixedNoReplace(VirtAddr),
    /// In the first 2 GiB: near here if it is free, else the lowest place above the first (`MAP_32BIT`).
    Low(VirtAddr),
}

/// An area to be.
#[derive(Debug)]
pub(crate) struct MapRequest {
    /// Whole pages, not 0.
    pub(crate) bytes: u64,
    pub(crate) protection: Protection,
    pub(crate) growth: Growth,
    pub(crate) flags: AreaFlags,
    pub(crate) backing: Backing,
}

impl AddressSpace {
    /// Chooses the range for a mapping of `bytes` (whole pages, not 0), in the order of checks that Linux has.
    /// `lowest` is the first address that the caller may order.
    pub(crate) fn place(
        &self,
        placement: Placement,
        bytes: u64,
        lowest: VirtAddr,
    ) -> Result<PageRange, Errno> {
        if bytes > layout::TASK_END.as_u64() {
            return Err(Errno::ENOMEM);
        }
        match placement {
            Placement::Hint(hint) => self.place_near(hint, bytes),
            Placement::Fixed(address) => check_fixed(address, bytes, lowest),
            Placement::FixedNoReplace(address) => {
                let range = check_fixed(address, bytes, lowest)?;
                if self.areas.is_free(range) || mutant::is(Mutant::NoreplaceReplaces) {
                    Ok(range)
                } else {
                    Err(Errno::EEXIST)
                }
            }
            Placement::Low(hint) => self.place_low(hint, bytes),
        }
    }

    fn place_low(&self, hint: VirtAddr, bytes: u64) -> Result<PageRange, Errno> {
        let end = layout::LOW_END;
        let hint = VirtAddr::new(round_up_to_page(hint.as_u64()).unwrap_or(0));
        (hint >= layout::LOWEST)
            .then(|| self.free_at(hint, bytes, end))
            .flatten()
            .or_else(|| self.areas.find_free_above(layout::LOW_START, end, bytes))
            .ok_or(Errno::ENOMEM)
    }

    fn place_near(&self, hint: VirtAddr, bytes: u64) -> Result<PageRange, Errno> {
        // Null is no hint; anything else below the lowest address means the lowest.
        let hint = match hint.page() {
            page if page.as_u64() == 0 => None,
            page => Some(page.max(layout::LOWEST)),
        };
        hint.and_then(|start| self.free_at(start, bytes, layout::TASK_END))
            .or_else(|| self.areas.find_free_below(layout::MMAP_TOP, bytes))
            .ok_or(Errno::ENOMEM)
    }

    /// The range from `start` on if it is free, ends at or below `end`, and does not come too close to the area above.
    fn free_at(&self, start: VirtAddr, bytes: u64, end: VirtAddr) -> Option<PageRange> {
        let last_start = end.as_u64().checked_sub(bytes)?;
        if start.as_u64() > last_start {
            return None;
        }
        let range = PageRange::new(start, start.plus(bytes));
        let next = self.areas.at_or_above(start);
        next.is_none_or(|next| range.end() <= next.start_with_gap())
            .then_some(range)
    }

    /// Maps at a range that [`Self::place`] chose; what was there goes.
    pub(crate) fn map_at(&mut self, range: PageRange, request: MapRequest) -> Result<VirtAddr, Errno> {
        self.map_with_pages(range, request, core::iter::empty())
    }

    /// As [`Self::map_at`], with pages that are there from the start.
    pub(super) fn map_with_pages(
        &mut self,
        range: PageRange,
        request: MapRequest,
        pages: impl Iterator<Item = (VirtAddr, Entry)>,
    ) -> Result<VirtAddr, Errno> {
        let MapRequest {
            protection,
            growth,
            flags,
            backing,
            ..
        } = request;
        let flags = if backing.is_fixed() {
            flags.without(AreaFlags::LOCKINGS)
        } else {
            flags
        };
        check_commitment(range, protection, flags, &backing)?;
        self.unmap_replaced(range)?;
        let room = self.areas.reserve_change();
        let room = room.and_then(|()| self.install_all(range, pages));
        if room.is_ok() {
            self.areas.insert(Vma {
                range,
                protection,
                growth,
                flags,
                backing,
                watch: None,
            });
        }
        self.note_change(range);
        room?;
        Ok(range.start())
    }

    fn unmap_replaced(&mut self, range: PageRange) -> Result<(), Errno> {
        let first = self.areas.overlapping(range).next().map(|area| area.range);
        if let Some(first) = first
            && first.start() < range.start()
            && first.end() < range.end()
            && mutant::is(Mutant::FixedKeepsPagesOfTheFirst)
        {
            self.unmap_range(PageRange::new(first.end(), range.end()))?;
            self.areas.reserve_change()?;
            self.areas.remove(range);
            return Ok(());
        }
        self.unmap_range(range)
    }

    /// [`Self::place`] and [`Self::map_at`] in one.
    pub(crate) fn map(&mut self, placement: Placement, request: MapRequest) -> Result<VirtAddr, Errno> {
        let range = self.place(placement, request.bytes, layout::LOWEST)?;
        self.map_at(range, request)
    }
}

fn check_fixed(address: VirtAddr, bytes: u64, lowest: VirtAddr) -> Result<PageRange, Errno> {
    if address.as_u64() > layout::TASK_END.as_u64() - bytes {
        return Err(Errno::ENOMEM);
    }
    if !address.is_page_aligned() {
        return Err(Errno::EINVAL);
    }
    if address < lowest {
        return Err(Errno::EPERM);
    }
    Ok(PageRange::new(address, address.plus(bytes)))
}

/// Refuses what could never be filled, as Linux's heuristic overcommit does: more pages than memory and disk can hold.
pub(super) fn check_commitment(
    range: PageRange,
    protection: Protection,
    flags: AreaFlags,
    backing: &Backing,
) -> Result<(), Errno> {
    if flags.has(AreaFlags::UNRESERVED) {
        return Ok(());
    }
    let counts = match backing {
        Backing::Object {
            sharing: Sharing::Shared,
            ..
        } => true,
        Backing::Anonymous | Backing::File { .. } | Backing::Object { .. } | Backing::Driver { .. } => {
            backing.is_private() && protection.allows_write()
        }
        Backing::Device { .. } | Backing::Lent => false,
    };
    if counts && range.pages() > frames::total() + swap::total() {
        Err(Errno::ENOMEM)
    } else {
        Ok(())
    }
}
