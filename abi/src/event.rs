//! What the kernel reports to the VMM.
//!
//! The kernel fills an [`EventRecord`] in its memory and writes the record's physical address to [`PORT`] with a 32-bit
//! `out`. The VMM copies the record out before the kernel goes on. Events are claims: they name, time and explain, and may
//! only *add* checks. A kernel that sends none can be judged all the same.

use crate::named_numbers;

/// I/O port. A 32-bit `in` answers [`PRESENCE`] under Ringside and all ones on other machines.
pub const PORT: u16 = 0x0d00;
/// "RING", what `in` on [`PORT`] answers under Ringside.
pub const PRESENCE: u32 = 0x474e_4952;

/// One event. `kind` says what `arguments` hold; unused ones are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventRecord {
    /// One of the event kinds of this module.
    pub kind: u32,
    /// Process that the event is about, 0 for none.
    pub pid: u32,
    /// Meaning by `kind`.
    pub arguments: [u64; 4],
}

/// Bytes of an [`EventRecord`].
pub const RECORD_BYTES: usize = 40;
const _: () = assert!(size_of::<EventRecord>() == RECORD_BYTES);
const _: () = assert!(core::mem::offset_of!(EventRecord, pid) == 4);
const _: () = assert!(core::mem::offset_of!(EventRecord, arguments) == 8);

named_numbers! {
    /// Name of an event kind.
    event_name: u32 {
        /// The kernel runs with its own page tables and handlers. Arguments: CR3.
        BOOTED = 1;
        /// Where the kernel accounts for frames. Arguments: physical address of the first
        /// [`crate::frame_table::FrameInfo`], number of frames.
        FRAME_TABLE = 2;
        /// A process exists. Arguments: parent's pid, physical address of its top page table (CR3 without flag bits).
        CREATED = 3;
        /// A process replaced its address space. Arguments: physical address of its new top page table.
        EXECUTED = 4;
        /// A process ended and is a zombie. Arguments: wait status as wait4 gives it.
        EXITED = 5;
        /// A zombie's parent took its status; the pid is free again.
        REAPED = 6;
        /// An exception in user mode that ends the process. Arguments: vector, error code, faulting address (CR2; 0 if
        /// none), RIP.
        FATAL_FAULT = 7;
        /// The kernel cannot go on. Arguments: physical address of an UTF-8 message, its length in bytes, RIP or 0.
        PANIC = 8;
        /// The guest is finished and wants no more time.
        POWER_OFF = 9;
        /// A line for the log. Arguments: physical address of UTF-8 text, its length in bytes.
        LOG = 10;
        /// The first instruction in user mode comes next.
        FIRST_USER = 11;
        /// Another thread runs: the record's `pid` is its number, or 0 when none can. Arguments: the thread that ran until now (0
        /// for none), that one's state from now on (see [`crate::thread`]), and what it sleeps on.
        SWITCHED = 12;
        /// A thread that slept can run again. The record's `pid` is the thread's number.
        WOKEN = 13;
        /// A further thread of a process exists and can run. The record's `pid` is the thread's number. Arguments: the
        /// process's pid.
        THREAD_CREATED = 14;
        /// A thread ended and its process did not. The record's `pid` is the thread's number. Arguments: the process's pid.
        THREAD_EXITED = 15;
        /// An orphan got another parent. Arguments: the new parent's pid.
        ADOPTED = 16;
        /// Several threads could go on, and the VMM is asked which: see [`crate::schedule`]. The record's `pid` is the number
        /// of the thread that runs. Arguments: physical address of the candidates' numbers (32 bits each), how many there
        /// are, the place in the kernel.
        CHOICE = 17;
        /// What the kernel may do with pages of its own has just changed: the moment to look whether it may write what it can
        /// execute. Arguments: first address, number of pages.
        PAGES_PROTECTED = 18;
        /// A module offers programs these pages to map. Arguments: their address in the kernel, their number, and the module's name
        /// in 16 bytes that NULs fill up.
        PAGES_OFFERED = 19;
        /// Faults in a part of a process's memory are for a program to serve from now on, or, with mode 0, no more. The record's `pid` is the process.
        /// Arguments: first address, length in bytes, `UFFDIO_REGISTER_MODE_*`: see [`crate::linux::userfaultfd`].
        USER_FAULT_REGISTERED = 20;
        /// A thread begins to wait until a program has served its fault. The record's `pid` is the thread's number. Arguments:
        /// address of the page, `USER_FAULT_*`.
        USER_FAULT = 21;
        /// That thread goes on, because its page is there now. The record's `pid` is the thread's number. Arguments: address of
        /// the page.
        USER_FAULT_SERVED = 22;
    }
}

/// Flag of [`USER_FAULT`]: a store.
pub const USER_FAULT_WRITE: u64 = 1;
/// Flag of [`USER_FAULT`]: the page is there and write-protected.
pub const USER_FAULT_WRITE_PROTECTED: u64 = 2;
/// Flag of [`USER_FAULT`]: the kernel copied for the program.
pub const USER_FAULT_IN_KERNEL: u64 = 4;

/// Longest text of a [`PANIC`] or [`LOG`] event that the VMM reads, in bytes.
pub const MAX_TEXT_BYTES: u64 = 1024;
