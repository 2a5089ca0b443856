//! The kernel's reports, decoded: see [`abi::event`] for the record and its kinds.
//!
//! They are no affair of one guest alone: any kernel may send those that its description promises, as the one in `examples/kernel` does.

use abi::event::{
    ADOPTED, BOOTED, CHOICE, CREATED, EXECUTED, EXITED, FATAL_FAULT, FIRST_USER, FRAME_TABLE, LOG,
    MAX_TEXT_BYTES, PAGES_OFFERED, PAGES_PROTECTED, PANIC, POWER_OFF, REAPED, RECORD_BYTES, SWITCHED,
    THREAD_CREATED, THREAD_EXITED, USER_FAULT, USER_FAULT_REGISTERED, USER_FAULT_SERVED, WOKEN,
};
use abi::schedule::MAX_CANDIDATES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use crate::address::{PhysAddr, VirtAddr};
use crate::printable::Printable;
use crate::promise::Promise;

/// A report, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The kernel is up.
    Booted,
    /// Where the kernel accounts for frames.
    FrameTable {
        /// Physical address of the first entry.
        base: PhysAddr,
        /// Number of entries.
        frames: u64,
    },
    /// A process exists.
    Created {
        /// Its process id.
        pid: u32,
        /// Its parent's.
        parent: u32,
        /// Its top page table.
        page_table: PhysAddr,
    },
    /// A process replaced its address space.
    Executed {
        /// Its process id.
        pid: u32,
        /// Its new top page table.
        page_table: PhysAddr,
    },
    /// A process ended.
    Exited {
        /// Its process id.
        pid: u32,
        /// As wait4 gives it.
        status: u32,
    },
    /// A zombie was taken.
    Reaped {
        /// The process id that is free again.
        pid: u32,
    },
    /// An exception ends a process.
    FatalFault(FatalFault),
    /// The kernel cannot go on.
    Panic {
        /// What it says.
        message: Printable,
    },
    /// The guest is finished.
    PowerOff,
    /// A line for the log.
    Log {
        /// What it says.
        message: Printable,
    },
    /// User mode comes next.
    FirstUser,
    /// Another thread runs.
    Switched {
        /// It; 0 when none does.
        next: u32,
        /// The one that ran until now; 0 when none did.
        previous: u32,
        /// That one's state from now on: see [`abi::thread`].
        state: u64,
        /// What it sleeps on, if it does: see [`abi::thread`].
        reason: u64,
    },
    /// A thread that slept can run again.
    Woken {
        /// Its number.
        thread: u32,
    },
    /// A further thread of a process exists.
    ThreadCreated {
        /// Its number.
        thread: u32,
        /// The process.
        pid: u32,
    },
    /// A thread ended and its process did not.
    ThreadExited {
        /// Its number.
        thread: u32,
        /// The process.
        pid: u32,
    },
    /// An orphan got another parent.
    Adopted {
        /// The orphan.
        pid: u32,
        /// Its new parent.
        parent: u32,
    },
    /// What the kernel may do with pages of its own has changed.
    PagesProtected,
    /// A module offers programs pages to map.
    PagesOffered {
        /// The module's name.
        module: Printable,
        /// Where the pages are in the kernel's addresses.
        address: VirtAddr,
        /// How many.
        pages: u64,
    },
    /// A program serves faults in a part of a process's memory from now on, or, with mode 0, no more.
    UserFaultRegistered {
        /// The process.
        pid: u32,
        /// First address.
        start: VirtAddr,
        /// Bytes.
        len_bytes: u64,
        /// Which faults, `UFFDIO_REGISTER_MODE_*` of [`abi::linux::userfaultfd`].
        mode: u64,
    },
    /// A thread waits for a program to serve its fault.
    UserFault {
        /// The thread.
        tid: u32,
        /// Address of the page.
        page: VirtAddr,
        /// `USER_FAULT_*` of [`abi::event`].
        flags: u64,
    },
    /// The thread goes on, because its page is there now.
    UserFaultServed {
        /// The thread.
        tid: u32,
        /// Address of the page.
        page: VirtAddr,
    },
    /// Several threads could go on, and the kernel asks which: see [`abi::schedule`].
    Choice(Choice),
    /// No report that we know, or one that cannot be read.
    Malformed {
        /// What was wrong.
        reason: Printable,
    },
}

impl Event {
    /// Whether it tells of a moment that must be looked at before the guest goes on.
    #[must_use]
    pub fn is_a_moment(&self) -> bool {
        matches!(
            self,
            Event::PagesProtected
                | Event::FrameTable { .. }
                | Event::Created { .. }
                | Event::Executed { .. }
                | Event::Exited { .. }
                | Event::Switched { .. }
                | Event::UserFaultRegistered { .. }
                | Event::UserFault { .. }
                | Event::UserFaultServed { .. }
        )
    }

    /// The kind of report that it is, if it is one that a kernel can promise.
    #[must_use]
    pub fn promise(&self) -> Option<Promise> {
        match self {
            Event::FrameTable { .. } => Some(Promise::FrameAccount),
            Event::Exited { .. } => Some(Promise::Ends),
            Event::FatalFault(_) => Some(Promise::Faults),
            Event::Switched { .. } => Some(Promise::Switches),
            Event::UserFaultRegistered { .. } | Event::UserFault { .. } | Event::UserFaultServed { .. } => {
                Some(Promise::UserFaults)
            }
            Event::PagesProtected => Some(Promise::Protection),
            Event::PagesOffered { .. } => Some(Promise::Modules),
            Event::Choice(_) => Some(Promise::Schedule),
            Event::Booted
            | Event::Created { .. }
            | Event::Executed { .. }
            | Event::Reaped { .. }
            | Event::Panic { .. }
            | Event::PowerOff
            | Event::Log { .. }
            | Event::FirstUser
            | Event::Woken { .. }
            | Event::ThreadCreated { .. }
            | Event::ThreadExited { .. }
            | Event::Adopted { .. }
            | Event::Malformed { .. } => None,
        }
    }

    /// Bytes that it holds.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let beside = match self {
            Event::Panic { message } | Event::Log { message } => message.len(),
            Event::Malformed { reason } => reason.len(),
            Event::PagesOffered { module, .. } => module.len(),
            Event::Choice(choice) => choice.candidates.len() * size_of::<u32>(),
            Event::Booted
            | Event::FrameTable { .. }
            | Event::Created { .. }
            | Event::Executed { .. }
            | Event::Exited { .. }
            | Event::Reaped { .. }
            | Event::FatalFault(_)
            | Event::PowerOff
            | Event::FirstUser
            | Event::Switched { .. }
            | Event::Woken { .. }
            | Event::ThreadCreated { .. }
            | Event::ThreadExited { .. }
            | Event::Adopted { .. }
            | Event::UserFaultRegistered { .. }
            | Event::UserFault { .. }
            | Event::UserFaultServed { .. }
            | Event::PagesProtected => 0,
        };
        size_of::<Event>() + beside
    }
}

/// An exception in user mode that ends a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FatalFault {
    /// The process.
    pub pid: u32,
    /// Exception vector.
    pub vector: u64,
    /// Error code that the processor pushed, 0 for exceptions without one.
    pub error_code: u64,
    /// Faulting address of a page fault.
    pub address: u64,
    /// Address of the instruction.
    pub rip: u64,
}

/// A reschedule point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Threads that could go on, the one that runs first.
    pub candidates: Vec<u32>,
    /// Place in the kernel: see [`abi::schedule`].
    pub site: u64,
}

/// Copies the record at `address` out of guest memory and decodes it.
pub(super) fn read_event(address: PhysAddr, memory: &GuestMemoryMmap) -> Event {
    let mut record = [0; RECORD_BYTES];
    if memory.read_slice(&mut record, GuestAddress(address.0)).is_err() {
        return Event::Malformed {
            reason: format!("record at {address} lies outside guest memory").into(),
        };
    }
    let (kind, pid) = (u32_at(&record, 0), u32_at(&record, 4));
    let argument = |index: usize| u64_at(&record, 8 + 8 * index);
    let text = || read_text(PhysAddr(argument(0)), argument(1), memory);
    match kind {
        BOOTED => Event::Booted,
        FRAME_TABLE => Event::FrameTable {
            base: PhysAddr(argument(0)),
            frames: argument(1),
        },
        CREATED => Event::Created {
            pid,
            parent: argument(0) as u32,
            page_table: PhysAddr(argument(1)),
        },
        EXECUTED => Event::Executed {
            pid,
            page_table: PhysAddr(argument(0)),
        },
        EXITED => Event::Exited {
            pid,
            status: argument(0) as u32,
        },
        REAPED => Event::Reaped { pid },
        FATAL_FAULT => Event::FatalFault(FatalFault {
            pid,
            vector: argument(0),
            error_code: argument(1),
            address: argument(2),
            rip: argument(3),
        }),
        PANIC => Event::Panic { message: text() },
        POWER_OFF => Event::PowerOff,
        LOG => Event::Log { message: text() },
        FIRST_USER => Event::FirstUser,
        SWITCHED => Event::Switched {
            next: pid,
            previous: argument(0) as u32,
            state: argument(1),
            reason: argument(2),
        },
        WOKEN => Event::Woken { thread: pid },
        THREAD_CREATED => Event::ThreadCreated {
            thread: pid,
            pid: argument(0) as u32,
        },
        THREAD_EXITED => Event::ThreadExited {
            thread: pid,
            pid: argument(0) as u32,
        },
        ADOPTED => Event::Adopted {
            pid,
            parent: argument(0) as u32,
        },
        PAGES_PROTECTED => Event::PagesProtected,
        USER_FAULT_REGISTERED => Event::UserFaultRegistered {
            pid,
            start: VirtAddr(argument(0)),
            len_bytes: argument(1),
            mode: argument(2),
        },
        USER_FAULT => Event::UserFault {
            tid: pid,
            page: VirtAddr(argument(0)),
            flags: argument(1),
        },
        USER_FAULT_SERVED => Event::UserFaultServed {
            tid: pid,
            page: VirtAddr(argument(0)),
        },
        PAGES_OFFERED => {
            let name: Vec<u8> = [argument(2), argument(3)]
                .into_iter()
                .flat_map(u64::to_le_bytes)
                .take_while(|byte| *byte != 0)
                .collect();
            Event::PagesOffered {
                module: Printable::from_bytes(&name),
                address: VirtAddr(argument(0)),
                pages: argument(1),
            }
        }
        CHOICE => read_choice(PhysAddr(argument(0)), argument(1), argument(2), memory),
        _ => Event::Malformed {
            reason: format!("record at {address} has the unknown kind {kind}").into(),
        },
    }
}

fn read_choice(address: PhysAddr, count: u64, site: u64, memory: &GuestMemoryMmap) -> Event {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > MAX_CANDIDATES {
        return Event::Malformed {
            reason: format!("a choice between {count} threads, expected at most {MAX_CANDIDATES}").into(),
        };
    }
    let mut bytes = [0; MAX_CANDIDATES * size_of::<u32>()];
    let bytes = &mut bytes[..count * size_of::<u32>()];
    if memory.read_slice(bytes, GuestAddress(address.0)).is_err() {
        return Event::Malformed {
            reason: format!("candidates at {address} lie outside guest memory").into(),
        };
    }
    let number = |word: &[u8]| u32::from_le_bytes(word.try_into().expect("four bytes"));
    Event::Choice(Choice {
        candidates: bytes.chunks_exact(size_of::<u32>()).map(number).collect(),
        site,
    })
}

/// Text of the guest.
fn read_text(address: PhysAddr, len_bytes: u64, memory: &GuestMemoryMmap) -> Printable {
    let mut bytes = vec![0; usize::try_from(len_bytes.min(MAX_TEXT_BYTES)).expect("a short text")];
    match memory.read_slice(&mut bytes, GuestAddress(address.0)) {
        Ok(()) => Printable::from_bytes(&bytes),
        Err(_) => format!("(text at {address} lies outside guest memory)").into(),
    }
}

fn u32_at(bytes: &[u8; RECORD_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8; RECORD_BYTES], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests;
