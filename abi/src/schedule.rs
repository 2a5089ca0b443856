//! Who goes on at a reschedule point: the kernel asks, the VMM decides.
//!
//! A kernel that is booted with `schedule=vmm` sends [`crate::event::CHOICE`] at each reschedule point at which another thread
//! of the same process could run, or of the same process group if that is not init's. Then it reads the index of the candidate
//! that goes on from [`PORT`] with a 32-bit `in`. Candidate 0 is the thread that runs. An index that no candidate has means 0.

use crate::named_numbers;

/// I/O port of the answer.
pub const PORT: u16 = 0x0d04;
/// Most candidates that the kernel offers.
pub const MAX_CANDIDATES: usize = 16;

named_numbers! {
    /// Name of a reschedule point.
    site_name: u64 {
        /// Each round of the loop that looks up the pages of an access through `/proc/self/mem`.
        GET_USER_PAGES = 1;
        /// Before madvise drops pages.
        MADVISE = 2;
        /// sched_yield.
        YIELD = 3;
        /// Before shadowpt_open takes the one table that there is.
        SHADOWPT_OPEN = 4;
        /// While shadowpt_open makes the table: it is taken, and not yet there.
        SHADOWPT_MAP = 5;
        /// Before shadowpt_close gives the table back.
        SHADOWPT_CLOSE = 6;
        /// Before shadowpt_start fills the table.
        SHADOWPT_START = 7;
        /// Before shadowpt_stop ends the tracking.
        SHADOWPT_STOP = 8;
        /// Before a page fault is handled.
        FAULT = 9;
        /// Before fork copies the address space.
        FORK = 10;
        /// Before a process that ends gives back its memory.
        EXIT = 11;
    }
}
