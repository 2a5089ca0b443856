//! What programs say of when they need pages, as far as it is more than to remember it: pages that may go, go now, or come back.

#![allow(unsafe_code, reason = "the references that page-table entries hold")]

use core::convert::Infallible;
use core::ops::ControlFlow;

use abi::PAGE_SIZE;

use super::super::address::PageRange;
use super::super::page_table::Entry;
use super::super::swap;
use super::unmap::{release, release_pages};
use super::{Access, AddressSpace, Backing};
use crate::arch;
use crate::shadowpt;

impl AddressSpace {
    /// MADV_WILLNEED: pages come back from the disk. It is a wish: where one cannot the rest comes later.
    pub(super) fn bring_all_back(&mut self, part: PageRange) {
        let mut next = part.start();
        loop {
            let rest = PageRange::new(next, part.end());
            let on_disk = self
                .page_table
                .for_each_entry(rest, |page, entry| match entry.slot() {
                    Some(_) => ControlFlow::Break(page),
                    None => ControlFlow::Continue(()),
                });
            let Some(page) = on_disk else { return };
            if self.resolve(page, Access::Read).is_err() {
                return;
            }
            next = page.plus(PAGE_SIZE);
        }
    }

    /// MADV_COLD: pages are among the first that go when memory is short, as if nobody had used them lately.
    pub(super) fn let_go_first(&mut self, part: PageRange) {
        let Ok(()) = self
            .page_table
            .try_update_unflushed::<Infallible>(part, |_, entry| Ok(unused(entry)));
        // A processor that has an entry cached would not mark it again.
        arch::flush_all();
    }

    /// MADV_PAGEOUT: pages go to the disk, if there is one, as long as it has room. What others have too stays.
    pub(super) fn page_out(&mut self, part: PageRange) {
        let page_table = &self.page_table;
        page_table.for_each_entry(part, |page, _| match swap::page_out_at(page_table, page) {
            Ok(()) => ControlFlow::Continue(()),
            Err(full) => ControlFlow::Break(full),
        });
    }

    /// MADV_FREE: what is on the disk is gone, and what is in memory goes to it first. Until then the contents stay, as they may.
    pub(super) fn free_lazily(&mut self, part: PageRange) {
        self.page_table.update(part, |_, entry| {
            if entry.slot().is_none() {
                return unused(entry);
            }
            // SAFETY: the entry is emptied, and so its reference nobody else's.
            unsafe { release(entry) };
            Entry::EMPTY
        });
        shadowpt::pages_changed(&self.page_table, part);
    }

    /// MADV_REMOVE: the part of the object that lies there is zeros, for all who have it.
    pub(super) fn remove_contents(&mut self, part: PageRange) {
        release_pages(&mut self.page_table, part);
        shadowpt::pages_changed(&self.page_table, part);
        let Some(area) = self.area_at(part.start()) else {
            return;
        };
        if let Backing::Object { object, first, .. } = &area.backing {
            let offset_bytes = part.start().as_u64() - area.range.start().as_u64();
            let first = first + offset_bytes / PAGE_SIZE;
            let end = object.pages().min(first + part.pages());
            (first..end).for_each(|page| object.discard(page));
        }
    }
}

/// As if nobody had used the page lately.
fn unused(entry: Entry) -> Entry {
    if entry.maps_memory() {
        entry.without_access_mark()
    } else {
        entry
    }
}
