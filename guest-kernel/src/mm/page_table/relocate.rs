//! Moving the entries of a range to another one, with what they hold.

use core::ops::ControlFlow;

use super::super::address::{PageRange, VirtAddr};
use super::super::frames::OutOfMemory;
use super::table::{end_of_slot, index_at};
use super::{Entry, PageTable, walk};
use crate::mutant::{self, Mutant};

impl PageTable {
    /// Moves each entry in use to where its page is counted from `to`, as `change` makes of it: to pages that have no entry, and none of
    /// which lies in `from`. All or none.
    ///
    /// The tables come first, because asking for one may have a page of any program go to the disk.
    pub(in crate::mm) fn relocate(
        &mut self,
        from: PageRange,
        to: VirtAddr,
        change: impl Fn(Entry) -> Entry,
    ) -> Result<(), OutOfMemory> {
        let place = |page: VirtAddr| to.plus(page.as_u64() - from.start().as_u64());
        if let Err(OutOfMemory) = self.make_ways(from, place) {
            let reached = PageRange::new(to, place(from.end()));
            // Nothing is there, and tables without an entry go.
            self.update(reached, |_, entry| entry);
            return Err(OutOfMemory);
        }
        let root = self.root;
        self.update(from, |page, entry| {
            let page = place(page);
            let table = walk(root, page).expect("a way to each page has just been made");
            table.add(index_at(page, 1), change(entry));
            if mutant::is(Mutant::MremapLeavesEntries) {
                entry
            } else {
                Entry::EMPTY
            }
        });
        Ok(())
    }

    /// Makes the tables that the entries in use of a range need elsewhere.
    fn make_ways(
        &mut self,
        from: PageRange,
        place: impl Fn(VirtAddr) -> VirtAddr,
    ) -> Result<(), OutOfMemory> {
        let mut next = from.start();
        while next < from.end() {
            let rest = PageRange::new(next, from.end());
            let found = self.for_each_entry(rest, |page, entry| ControlFlow::Break((page, entry)));
            let Some((page, entry)) = found else { break };
            let there = place(page);
            self.make_way(there, entry)?;
            // One table has the entries of as many pages as follow in both.
            let rest_of_table = end_of_slot(there, 2).as_u64() - there.as_u64();
            next = end_of_slot(page, 2).min(page.plus(rest_of_table));
        }
        Ok(())
    }
}
