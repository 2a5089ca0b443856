//! Page tables: the x86-64 radix tree that maps a process's pages to frames.
//!
//! Tables come into being when an entry is installed below them and are freed with their last entry: a table's frame keeps
//! the number of its entries that are in use in the frame table (`FrameInfo::private`). So a table that is freed is known
//! to be zero, and clearing a range never looks at a table that has nothing in it.
//!
//! Changing what was mapped drops cached translations: one page's after a single change, all after a range. Mapping what
//! was not mapped needs none.
//!
//! `registry` has all of them, so that whoever moves a frame finds each entry that maps it.
//!
//! `alias` has the entries of the direct map, which are large pages but for the frames that are treated as others are not.
//!
//! **Invariant:** the top-level entry of the kernel half is the same in every top table, and the tables below it are static
//! or of the kernel's run-time half, so what the kernel maps there is seen everywhere.

pub(super) mod alias;
mod entry;
mod find;
pub(super) mod registry;
mod relocate;
mod table;
mod update;

use super::address::{FrameNumber, VirtAddr};
use super::frames::{self, Contents, FrameKind, OutOfMemory};
use super::image;
use crate::arch;
use crate::mutant::{self, Mutant};

pub(crate) use entry::Entry;
use table::{KERNEL_SLOT, Table, index_at, start_of_slot};

/// A top-level slot of the user half that no program uses.
const LOOP_SLOT: usize = 128;

/// The top page table of an address space; owns all tables of its user half.
#[derive(Debug)]
pub(crate) struct PageTable {
    root: Table,
}

impl PageTable {
    /// Maps the kernel and nothing else.
    #[allow(unsafe_code, reason = "the reference that a table holds")]
    pub(super) fn new() -> Result<Self, OutOfMemory> {
        let root = Table::allocate()?;
        if let Err(OutOfMemory) = registry::add(root.frame()) {
            // SAFETY: the table has just been allocated, and nobody knows of it.
            unsafe { frames::release(root.frame(), Contents::Zeroed) };
            return Err(OutOfMemory);
        }
        root.copy_kernel_half(kernel_root());
        if mutant::is(Mutant::PageTableLoop) {
            let user = Entry::from_bits(abi::paging::USER);
            root.set(LOOP_SLOT, Entry::table(root.frame(), user));
        }
        Ok(Self { root })
    }

    /// The table of the kernel alone, through which its run-time half is changed.
    pub(super) fn kernel() -> core::mem::ManuallyDrop<Self> {
        core::mem::ManuallyDrop::new(Self { root: kernel_root() })
    }

    /// Frame of the top table, for CR3.
    pub(crate) fn root(&self) -> FrameNumber {
        self.root.frame()
    }

    /// Makes this the address space that the processor uses.
    #[allow(unsafe_code, reason = "CR3")]
    pub(crate) fn activate(&self) {
        // SAFETY: the kernel half was copied when the table was made; whoever drops the table activates another before.
        unsafe { arch::load_root(self.root()) };
    }

    /// The last-level entry for a page; empty if there is none.
    pub(super) fn lookup(&self, page: VirtAddr) -> Entry {
        match walk(self.root, page) {
            Ok(table) => table.get(index_at(page, 1)),
            Err(_) => Entry::EMPTY,
        }
    }

    /// Puts an entry where there is none, making tables as needed.
    pub(super) fn install(&mut self, page: VirtAddr, entry: Entry) -> Result<(), OutOfMemory> {
        self.installer().install(page, entry)
    }

    /// For many entries, most of which go to the same table as the one before.
    pub(super) fn installer(&mut self) -> Installer<'_> {
        Installer {
            page_table: self,
            last: None,
        }
    }

    /// The last-level table for a page that `leaf` will be an entry of, made as needed.
    #[allow(clippy::inline_always, reason = "a part of each fault that brings a page")]
    #[inline(always)]
    fn make_way(&mut self, page: VirtAddr, leaf: Entry) -> Result<Table, OutOfMemory> {
        let mut table = self.root;
        for level in [4, 3, 2] {
            let index = index_at(page, level);
            let next = table.get(index);
            table = if next.is_empty() {
                let Ok(new) = Table::allocate() else {
                    update::free_unused(self.root, page);
                    return Err(OutOfMemory);
                };
                table.add(index, new.as_entry_like(leaf));
                new
            } else {
                below(next)
            };
        }
        Ok(table)
    }

    /// Replaces an entry that is in use by another.
    pub(super) fn replace(&mut self, page: VirtAddr, entry: Entry) {
        let table = walk(self.root, page)
            .unwrap_or_else(|level| panic!("there is no table of level {} for {page:?}", level - 1));
        table.set(index_at(page, 1), entry);
    }

    /// A deliberate fault: has the last-level table of another address space in the place of its own.
    pub(super) fn share_table(&mut self, theirs: &Self, page: VirtAddr) {
        let Ok(shared) = walk(theirs.root, page) else {
            return;
        };
        let mut table = self.root;
        for level in [4, 3] {
            table = below(table.get(index_at(page, level)));
        }
        let index = index_at(page, 2);
        table.set(index, shared.as_entry_like(table.get(index)));
    }
}

/// Puts entries where there are none. Nobody else changes the page table meanwhile.
pub(super) struct Installer<'t> {
    page_table: &'t mut PageTable,
    /// The last-level table that was used last, and the first page that it covers.
    last: Option<(VirtAddr, Table)>,
}

impl Installer<'_> {
    /// Makes tables as needed.
    pub(super) fn install(&mut self, page: VirtAddr, entry: Entry) -> Result<(), OutOfMemory> {
        let covered_from = start_of_slot(page, 0, 2);
        let table = match self.last {
            Some((start, table)) if start == covered_from => table,
            _ => self.page_table.make_way(page, entry)?,
        };
        self.last = Some((covered_from, table));
        table.add(index_at(page, 1), entry);
        Ok(())
    }
}

/// The last-level table for a page below a top table, or the level at which the entry on the way to it is empty.
fn walk(top: Table, page: VirtAddr) -> Result<Table, u32> {
    let mut table = top;
    for level in [4, 3, 2] {
        let next = table.get(index_at(page, level));
        if next.is_empty() {
            return Err(level);
        }
        table = below(next);
    }
    Ok(table)
}

/// The kernel's own top table.
#[allow(unsafe_code, reason = "a table by its frame")]
fn kernel_root() -> Table {
    // SAFETY: it is static.
    unsafe { Table::at(image::kernel_root()) }
}

/// The table to which an entry leads that is in use, in a table that is not of the last level.
#[allow(unsafe_code, reason = "a table by its frame")]
fn below(entry: Entry) -> Table {
    // SAFETY: such entries lead to tables, which are freed when the entry is emptied.
    unsafe { Table::at(entry.frame()) }
}

impl Drop for PageTable {
    /// The owner has unmapped everything; the tables went with their entries.
    #[allow(unsafe_code, reason = "the reference that a table holds")]
    fn drop(&mut self) {
        assert!(
            arch::active_root() != self.root(),
            "a page table in use must not be dropped"
        );
        self.root.clear_kernel_half();
        assert!(
            self.root.is_unused(),
            "a page table must be empty when it is dropped"
        );
        registry::remove(self.root());
        // SAFETY: `new` left the reference to this page table, which is empty, in no processor, and goes.
        unsafe { frames::release(self.root(), Contents::Zeroed) };
    }
}

/// Makes the kernel's own table the one in use: for moments in which no process's is.
#[allow(unsafe_code, reason = "CR3")]
pub(crate) fn activate_kernel() {
    // SAFETY: the kernel's table is static.
    unsafe { arch::load_root(image::kernel_root()) };
}

const _: () = assert!(KERNEL_SLOT == 511, "the kernel lies in the top 512 GiB");
const TABLE_KIND: FrameKind = FrameKind::PageTable;
