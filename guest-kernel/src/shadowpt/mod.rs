//! The shadow page table: one process, the inspector, watches the page tables of another, the target, through memory that it
//! shares with the kernel. [`abi::shadowpt`] has the numbers and layouts.
//!
//! ```text
//!                 start                 page faults, mmap, munmap, ... of the target
//!   free ─ open ─> open ────> started ────────────> the entries follow
//!     ^             ^  <──── stop │
//!     └── close ────┴─────────────┘   and when the inspector ends or becomes another program
//! ```
//!
//! - `open`, `close`, `start` (and stop), `contents`: one system call each
//! - `track`: what the memory code and the ends of processes tell; `table`: the entries themselves
//!
//! There is one table for the whole system. Who may not use it gets EPERM, who comes while another one has it EBUSY; see each call
//! for its other errors. A page counts as mapped when its page-table entry is in use, which is what Linux's `pte_none` denies: so does
//! one that its protection forbids, with its frame, and one that is on the disk, which has none. An area is anonymous when nothing but zeros is behind it; memory that
//! several processes share on purpose is a file to Linux, and so it is here.
//!
//! **Invariant:** whoever holds the lock of the table changes no address space and asks for no memory, because both end up here.

mod close;
mod contents;
mod open;
mod start;
mod table;
mod track;

use crate::errno::Errno;
use crate::mm::{PageRange, Protection};
use crate::process::{Pid, Table};
use crate::sync::Lock;
use table::Entries;

pub(crate) use close::close;
pub(crate) use contents::page_contents;
pub(crate) use open::open;
pub(crate) use start::{start, stop};
pub(crate) use track::{
    areas_changed, page_copied, pages_changed, process_ends, program_replaced, protection_changed,
};

static SHADOW: Lock<Slot> = Lock::new(Slot::Free);

/// The one table, if there is one.
enum Slot {
    Free,
    /// Somebody is making it.
    Taken,
    Open(Shadow),
}

/// An open shadow page table.
struct Shadow {
    inspector: Pid,
    /// None: it has ended.
    target: Option<Pid>,
    /// The target's pages that have entries.
    pages: PageRange,
    /// The inspector's memory in which it sees them.
    window: PageRange,
    /// What that memory allowed before, and will again.
    window_protection: Protection,
    entries: Entries,
    tracking: Tracking,
}

/// Whether the entries follow the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tracking {
    Stopped,
    Started,
}

/// Runs `f` with the table of the process that runs. EINVAL when there is none, EPERM when it is another's.
fn with_own<R>(table: &mut Table, f: impl FnOnce(&mut Table, &mut Shadow) -> R) -> Result<R, Errno> {
    let caller = table.current_process().pid();
    match &mut *SHADOW.lock() {
        Slot::Open(shadow) if shadow.inspector == caller => Ok(f(table, shadow)),
        Slot::Open(_) | Slot::Taken => Err(Errno::EPERM),
        Slot::Free => Err(Errno::EINVAL),
    }
}
