//! mincore and msync: which pages are in memory, and that stores have reached what is behind an area. All files are memory here, so they
//! have at once.

use abi::PAGE_SIZE;
use abi::linux::mman::{MS_ASYNC, MS_INVALIDATE, MS_SYNC};

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::page_cache::CachedPage;
use super::{AddressSpace, AreaFlags, Backing, Vma};
use crate::errno::Errno;

impl AddressSpace {
    /// Says of each page from an address on whether an access would find it in memory, as long as they are in one area and there is
    /// room, and of how many. ENOMEM for a hole.
    pub(crate) fn residency(&self, start: VirtAddr, into: &mut [u8]) -> Result<usize, Errno> {
        let area = self.area_at(start).ok_or(Errno::ENOMEM)?;
        let pages = (area.range.end().as_u64() - start.as_u64()) / PAGE_SIZE;
        let count = pages.min(into.len() as u64) as usize;
        for (index, byte) in (0..).zip(&mut into[..count]) {
            *byte = u8::from(self.is_resident(area, start.plus(index * PAGE_SIZE)));
        }
        Ok(count)
    }

    fn is_resident(&self, area: &Vma, page: VirtAddr) -> bool {
        let entry = self.page_table.lookup(page);
        if !entry.is_empty() {
            return entry.slot().is_none();
        }
        let index = (page.as_u64() - area.range.start().as_u64()) / PAGE_SIZE;
        match &area.backing {
            Backing::File { file, first_page, .. } => {
                file.page(u64::from(*first_page) + index) != CachedPage::Behind
            }
            Backing::Object { object, first, .. } => {
                first + index < object.pages() && object.has_page(first + index)
            }
            Backing::Anonymous | Backing::Device { .. } | Backing::Lent | Backing::Driver { .. } => false,
        }
    }

    /// msync. ENOMEM for a hole, EBUSY for a locked area that is to be dropped.
    pub(crate) fn sync(&self, start: VirtAddr, bytes: u64, flags: u64) -> Result<(), Errno> {
        let is_known = flags & !(MS_ASYNC | MS_INVALIDATE | MS_SYNC) == 0;
        let is_both = flags & MS_ASYNC != 0 && flags & MS_SYNC != 0;
        if !is_known || is_both || !start.is_page_aligned() {
            return Err(Errno::EINVAL);
        }
        // A length that wraps when it is rounded up is none.
        let bytes = round_up_to_page(bytes).unwrap_or(0);
        let range = PageRange::from_length(start, bytes).ok_or(Errno::ENOMEM)?;
        let mut end = start;
        let mut has_hole = false;
        for area in self.areas.overlapping(range) {
            has_hole |= area.range.start() > end;
            end = area.range.end();
            if flags & MS_INVALIDATE != 0 && area.flags.has(AreaFlags::LOCKED) {
                return Err(Errno::EBUSY);
            }
        }
        if has_hole || end < range.end() {
            Err(Errno::ENOMEM)
        } else {
            Ok(())
        }
    }
}
