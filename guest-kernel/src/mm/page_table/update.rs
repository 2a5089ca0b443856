//! Visiting the entries of a range: to change, to clear, to copy, to look.

#![allow(unsafe_code, reason = "the references that tables hold")]

use core::convert::Infallible;
use core::ops::ControlFlow;

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::frames::{self, Contents};
use super::table::{Table, end_of_slot, index_at, start_of_slot};
use super::{Entry, PageTable, below, walk};
use crate::arch;
use crate::mutant::{self, Mutant};

impl PageTable {
    /// Replaces each entry in use in `range` by what `change` makes of it, and frees tables that have no entry left.
    pub(crate) fn update(&mut self, range: PageRange, mut change: impl FnMut(VirtAddr, Entry) -> Entry) {
        let Ok(()) = self.try_update::<Infallible>(range, |page, entry| Ok(change(page, entry)));
    }

    /// As [`Self::update`], but ends with the first error; entries before it are changed, those after it are not.
    fn try_update<E>(
        &mut self,
        range: PageRange,
        change: impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
    ) -> Result<(), E> {
        let result = self.try_update_unflushed(range, change);
        // Even an entry that only lost its table may be cached by the processor on the way to others.
        arch::flush_all();
        result
    }

    /// Whether an entry of the range is in use, be it for a page that is on the disk.
    pub(in crate::mm) fn has_entry_in(&self, range: PageRange) -> bool {
        !range.is_empty() && visit(self.root, range, &mut |_, _| Err(())).is_err()
    }

    /// Calls `f` with the page of each entry in the range that is in use, and with the frame that the entry names, until it says that
    /// it has seen enough. A page that protection takes out of reach has its frame; one that is on the disk has none.
    pub(crate) fn for_each_mapped<B>(
        &self,
        range: PageRange,
        mut f: impl FnMut(VirtAddr, Option<FrameNumber>) -> ControlFlow<B>,
    ) -> Option<B> {
        self.for_each_entry(range, |page, entry| {
            let is_lost = !entry.is_present() && mutant::is(Mutant::ShadowHeldFrameLost);
            f(page, (entry.slot().is_none() && !is_lost).then(|| entry.frame()))
        })
    }

    /// As [`Self::for_each_mapped`], with the entries themselves.
    pub(in crate::mm) fn for_each_entry<B>(
        &self,
        range: PageRange,
        mut f: impl FnMut(VirtAddr, Entry) -> ControlFlow<B>,
    ) -> Option<B> {
        if range.is_empty() {
            return None;
        }
        let look = &mut |page, entry| match f(page, entry) {
            ControlFlow::Break(found) => Err(found),
            ControlFlow::Continue(()) => Ok(entry),
        };
        visit(self.root, range, look).err()
    }

    /// As [`Self::try_update`], for callers that change several ranges and drop cached translations once, at the end.
    pub(crate) fn try_update_unflushed<E>(
        &mut self,
        range: PageRange,
        mut change: impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
    ) -> Result<(), E> {
        if range.is_empty() {
            Ok(())
        } else {
            visit(self.root, range, &mut change)
        }
    }
}

/// Visits the entries in use of a range that is not empty. Most ranges are short, and a single table has all of their entries.
fn visit<E>(
    top: Table,
    range: PageRange,
    change: &mut impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
) -> Result<(), E> {
    if range.end() > end_of_slot(range.start(), 2) {
        return visit_table(top, 4, range, change);
    }
    let Ok(table) = walk(top, range.start()) else {
        return Ok(());
    };
    let result = visit_pages(table, range, change);
    if table.is_unused() {
        free_unused(top, range.start());
    }
    result
}

/// Frees the tables on the way to a page that have no entry left.
pub(super) fn free_unused(top: Table, page: VirtAddr) {
    let mut way = [None; 3];
    let mut table = top;
    for (step, level) in way.iter_mut().zip([4, 3, 2]) {
        let index = index_at(page, level);
        let entry = table.get(index);
        if entry.is_empty() {
            break;
        }
        *step = Some((table, index));
        table = below(entry);
    }
    for (table, index) in way.into_iter().rev().flatten() {
        if !below(table.get(index)).is_unused() {
            break;
        }
        free_below(table, index);
    }
}

/// Frees a table that has no entry left, and empties the one that leads to it.
fn free_below(table: Table, index: usize) {
    let unused = below(table.get(index));
    table.clear(index);
    // SAFETY: the entry that led to the table has just been emptied, and none of its own is left.
    unsafe { frames::release(unused.frame(), Contents::Zeroed) };
}

/// Visits the part of `range` that `table` covers, and frees the tables below it that have no entry left. `range` is never empty
/// and lies in what the table covers.
fn visit_table<E>(
    table: Table,
    level: u32,
    range: PageRange,
    change: &mut impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
) -> Result<(), E> {
    if level == 1 {
        return visit_pages(table, range, change);
    }
    let (first, last) = (index_at(range.start(), level), index_at(last_page(range), level));
    for index in table.in_use(first, last) {
        let below = below(table.get(index));
        let start = if index == first {
            range.start()
        } else {
            start_of_slot(range.start(), index - first, level)
        };
        let end = if index == last {
            range.end()
        } else {
            end_of_slot(start, level)
        };
        let result = visit_table(below, level - 1, PageRange::new(start, end), change);
        if below.is_unused() {
            free_below(table, index);
        }
        result?;
    }
    Ok(())
}

/// Visits the entries of a last-level table. `range` is never empty and lies in what the table covers.
fn visit_pages<E>(
    table: Table,
    range: PageRange,
    change: &mut impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
) -> Result<(), E> {
    let first = index_at(range.start(), 1);
    for index in table.in_use(first, index_at(last_page(range), 1)) {
        let page = range.start().plus((index - first) as u64 * abi::PAGE_SIZE);
        let entry = table.get(index);
        change_entry(table, index, entry, change(page, entry)?);
    }
    Ok(())
}

fn last_page(range: PageRange) -> VirtAddr {
    range.end().minus(abi::PAGE_SIZE)
}

fn change_entry(table: Table, index: usize, old: Entry, new: Entry) {
    if new.is_empty() {
        table.clear(index);
    } else if new != old {
        table.set(index, new);
    }
}
