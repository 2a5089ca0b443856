//! Visiting the entries of a range: to change, to clear, to copy, to look.

#![allow(unsafe_code, reason = "the references that tables hold")]

use core::convert::Infallible;
use core::ops::ControlFlow;

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::frames::{self, Contents};
use super::table::{Table, end_of_slot, index_at};
use super::{Entry, PageTable, below};
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
        !range.is_empty() && visit(self.root, 4, range, &mut |_, _| Err(())).is_err()
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
        visit(self.root, 4, range, look).err()
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
            visit(self.root, 4, range, &mut change)
        }
    }
}

/// Visits the part of `range` that `table` covers. `range` is never empty and lies in what the table covers.
fn visit<E>(
    table: Table,
    level: u32,
    range: PageRange,
    change: &mut impl FnMut(VirtAddr, Entry) -> Result<Entry, E>,
) -> Result<(), E> {
    let mut unseen = table.used();
    let last = index_at(range.end().minus(abi::PAGE_SIZE), level);
    let mut page = range.start();
    for index in index_at(page, level)..=last {
        if unseen == 0 {
            break;
        }
        let entry = table.get(index);
        let next = end_of_slot(page, level);
        if !entry.is_empty() {
            unseen -= 1;
            if level == 1 {
                change_entry(table, index, entry, change(page, entry)?);
            } else {
                let below = below(entry);
                let part = PageRange::new(page, if index == last { range.end() } else { next });
                let result = visit(below, level - 1, part, change);
                if below.is_unused() {
                    table.clear(index);
                    // SAFETY: the entry that led to the table has just been emptied, and none of its own is left.
                    unsafe { frames::release(below.frame(), Contents::Zeroed) };
                }
                result?;
            }
        }
        page = next;
    }
    Ok(())
}

fn change_entry(table: Table, index: usize, old: Entry, new: Entry) {
    if new.is_empty() {
        table.clear(index);
    } else if new != old {
        table.set(index, new);
    }
}
