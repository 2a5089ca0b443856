//! The shadow page table, as the steps must have left it: who watches whom, and where the entries are to be seen.

use std::ops::Range;

use abi::PAGE_SIZE;
use abi::linux::mman::PROT_READ;
use abi::shadowpt::ENTRY_BYTES;

use super::{Backing, Model, PageNumber, page_numbers};
use crate::address::VirtAddr;
use crate::channel::Channel;

/// An open shadow page table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShadowTable {
    /// Who sees it.
    pub inspector: Channel,
    /// Whose pages it has; it may have ended.
    pub target: Channel,
    /// Whether the target has ended since.
    pub target_has_ended: bool,
    /// The pages that have entries.
    pub range: Range<VirtAddr>,
    /// Where the inspector sees the first entry.
    pub entries: VirtAddr,
    /// Whether the entries follow the target.
    pub tracking: Tracking,
}

/// Whether the entries of a shadow page table follow the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracking {
    /// Not yet: they are all zero.
    Fresh,
    /// Yes.
    Started,
    /// No longer: they are as they were.
    Stopped,
}

impl ShadowTable {
    /// Pages that have entries.
    #[must_use]
    pub fn pages(&self) -> Range<PageNumber> {
        page_numbers(&self.range)
    }

    /// The inspector's memory that shows the entries, in whole pages.
    #[must_use]
    pub fn window(&self) -> Range<VirtAddr> {
        let pages = self.pages();
        let len_bytes = (pages.end - pages.start) * ENTRY_BYTES;
        self.entries..VirtAddr(self.entries.0 + len_bytes.next_multiple_of(PAGE_SIZE))
    }
}

impl Model {
    /// The shadow page table that is open, if one is.
    #[must_use]
    pub fn shadow_table(&self) -> Option<&ShadowTable> {
        self.shadow.as_ref()
    }

    /// Whether the inspector has the page of its window still: it may have unmapped it or mapped something else there.
    #[must_use]
    pub fn shows_shadow_table(&self, inspector: Channel, number: PageNumber) -> bool {
        let memory = self.processes.get(&inspector);
        let page = memory.and_then(|memory| memory.pages.get(&number));
        page.is_some_and(|page| matches!(page.backing, Backing::Lent(_)))
    }

    /// A table is open, and the inspector sees it in place of what it had there.
    pub fn open_shadow_table(&mut self, table: ShadowTable) {
        let window = page_numbers(&table.window());
        for (_, page) in self.memory(table.inspector).pages.range_mut(window) {
            page.backing = Backing::Lent(page.protection);
            page.protection = PROT_READ;
        }
        self.shadow = Some(table);
    }

    /// The table's entries follow the target, or do no longer.
    pub fn track(&mut self, tracking: Tracking) {
        if let Some(table) = &mut self.shadow {
            table.tracking = tracking;
        }
    }

    /// The table is closed: what the inspector had in its place is there again.
    pub fn close_shadow_table(&mut self) {
        let Some(table) = self.shadow.take() else { return };
        for page in self.memory(table.inspector).pages.values_mut() {
            if let Backing::Lent(protection) = page.backing {
                page.backing = Backing::Private(None);
                page.protection = protection;
            }
        }
    }

    pub(super) fn close_if_inspector(&mut self, process: Channel) {
        self.shadow.take_if(|table| table.inspector == process);
    }

    pub(super) fn target_ended(&mut self, process: Channel) {
        if let Some(table) = self.shadow.as_mut().filter(|table| table.target == process) {
            table.target_has_ended = true;
        }
    }
}
