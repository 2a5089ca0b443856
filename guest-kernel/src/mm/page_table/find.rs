//! Searching the entries of programs, from an address upwards.

use super::super::address::VirtAddr;
use super::table::{KERNEL_SLOT, Table, end_of_slot, index_at};
use super::{Entry, PageTable};

/// Last top-level slot of the user half.
const LAST_USER_SLOT: usize = KERNEL_SLOT / 2;
const LAST_SLOT: usize = KERNEL_SLOT;

impl PageTable {
    /// First page from `from` on whose entry is in use and wanted. `is_wanted` may change what it sees; the caller drops
    /// cached translations.
    pub(in crate::mm) fn find(
        &mut self,
        from: VirtAddr,
        mut is_wanted: impl FnMut(VirtAddr, &mut Entry) -> bool,
    ) -> Option<VirtAddr> {
        search(self.root, 4, LAST_USER_SLOT, from, &mut is_wanted)
    }
}

fn search(
    table: Table,
    level: u32,
    last: usize,
    from: VirtAddr,
    is_wanted: &mut impl FnMut(VirtAddr, &mut Entry) -> bool,
) -> Option<VirtAddr> {
    let mut page = from;
    for index in index_at(from, level)..=last {
        let entry = table.get(index);
        if entry.is_empty() {
            // Nothing is below it.
        } else if level > 1 {
            let found = search(Table::at(entry.frame()), level - 1, LAST_SLOT, page, is_wanted);
            if found.is_some() {
                return found;
            }
        } else {
            let mut seen = entry;
            let wanted = is_wanted(page, &mut seen);
            if seen != entry {
                table.set(index, seen);
            }
            if wanted {
                return Some(page);
            }
        }
        page = end_of_slot(page, level);
    }
    None
}
