//! Searching the entries of programs, from an address upwards.

use abi::paging::{ENTRIES, USER_END};

use super::super::address::VirtAddr;
use super::table::{Table, end_of_slot, index_at};
use super::{Entry, PageTable, walk};

impl PageTable {
    /// First page from `from` on whose entry is in use and wanted. `is_wanted` may change what it sees; dropping cached
    /// translations is the caller's.
    pub(in crate::mm) fn find(
        &mut self,
        from: VirtAddr,
        mut is_wanted: impl FnMut(VirtAddr, &mut Entry) -> bool,
    ) -> Option<VirtAddr> {
        let mut page = from;
        while page.as_u64() < USER_END {
            let covered_by = match walk(self.root, page) {
                Ok(table) => {
                    if let Some(found) = find_in(table, page, &mut is_wanted) {
                        return Some(found);
                    }
                    2
                }
                Err(level) => level,
            };
            page = end_of_slot(page, covered_by);
        }
        None
    }
}

/// As [`PageTable::find`], in what one last-level table covers.
fn find_in(
    table: Table,
    from: VirtAddr,
    is_wanted: &mut impl FnMut(VirtAddr, &mut Entry) -> bool,
) -> Option<VirtAddr> {
    let first = index_at(from, 1);
    for index in table.in_use(first, ENTRIES as usize - 1) {
        let page = from.plus((index - first) as u64 * abi::PAGE_SIZE);
        let old = table.get(index);
        let mut entry = old;
        let is_wanted = is_wanted(page, &mut entry);
        if entry != old {
            table.set(index, entry);
        }
        if is_wanted {
            return Some(page);
        }
    }
    None
}
