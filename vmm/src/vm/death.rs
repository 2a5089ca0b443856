//! Every way in which a guest can end badly, and where it was when it did.

use std::fmt;
use std::time::Duration;

use iced_x86::{Formatter, Instruction, NasmFormatter};
use kvm_bindings::KVM_INTERNAL_ERROR_EMULATION;
use kvm_ioctls::VcpuFd;
use vm_memory::GuestMemoryMmap;

use super::processor::{MAX_INSTRUCTION_BYTES, code_at, decode, is_paging};
use super::symbols::Symbols;
use super::{VmError, refused};
use crate::address::VirtAddr;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;
use crate::printable::Printable;

/// How a guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// What happened.
    pub cause: Cause,
    /// Where the processor was.
    pub place: Place,
}

/// What ended the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The kernel said that it cannot go on.
    Panic {
        /// What it said.
        message: Printable,
    },
    /// An exception while the double-fault handler was being entered.
    TripleFault,
    /// The processor stopped for an interrupt, and none can come: nothing in the guest can run.
    Halted,
    /// KVM cannot go on.
    InternalError {
        /// KVM's suberror number.
        suberror: u32,
    },
    /// The processor refused the guest's state.
    EntryFailed {
        /// The processor's reason.
        reason: u64,
    },
    /// An exit that nothing in the guest should cause.
    UnexpectedExit {
        /// KVM's name for it.
        exit: String,
    },
    /// The budget of exits is used up.
    OutOfExits {
        /// The budget.
        limit: u64,
    },
    /// The budget of processor time is used up.
    OutOfProcessorTime {
        /// The budget.
        limit: Duration,
    },
    /// The guest, which has a real clock, halted for as long as it may compute, and nothing outside of it was awaited.
    Idle {
        /// The budget.
        limit: Duration,
    },
    /// Somebody who debugged the guest ended it. The guest is not to blame.
    EndedByDebugger,
    /// The host's clock has gone on for much longer than the guest could use. The guest is not to blame.
    HostTooSlow {
        /// How long the host had.
        limit: Duration,
    },
}

/// Where the processor was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Instruction pointer.
    pub rip: u64,
    /// Whether page tables are in use.
    pub paging: bool,
    /// Function and offset, for an address in the kernel.
    pub symbol: Option<Printable>,
    /// Bytes at the instruction pointer, as many as are mapped, at most an instruction's length.
    pub bytes: Vec<u8>,
    /// The instruction, if the bytes are one.
    pub instruction: Option<String>,
    /// The top page table in use.
    pub root: Root,
    /// Address of the last page fault; 0 when there was none.
    pub last_fault: u64,
}

impl Place {
    /// An instruction of which nothing but its address is known.
    #[cfg(test)]
    pub(crate) fn at(rip: u64) -> Place {
        Place {
            rip,
            paging: true,
            symbol: None,
            bytes: Vec::new(),
            instruction: None,
            root: Root::from_cr3(0),
            last_fault: 0,
        }
    }
}

impl Cause {
    /// Whether the guest went on without end: what it did last says more than where it was.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        match self {
            Cause::OutOfExits { .. } | Cause::OutOfProcessorTime { .. } | Cause::Idle { .. } => true,
            Cause::Panic { .. }
            | Cause::TripleFault
            | Cause::Halted
            | Cause::InternalError { .. }
            | Cause::EntryFailed { .. }
            | Cause::UnexpectedExit { .. }
            | Cause::EndedByDebugger
            | Cause::HostTooSlow { .. } => false,
        }
    }
}

impl Death {
    /// Whether the guest came to this by itself, and its page tables are in use: what is wrong in memory may then say why.
    #[must_use]
    pub(crate) fn is_the_guests_doing(&self) -> bool {
        self.place.paging
            && match self.cause {
                Cause::Panic { .. }
                | Cause::TripleFault
                | Cause::Halted
                | Cause::InternalError { .. }
                | Cause::EntryFailed { .. }
                | Cause::UnexpectedExit { .. }
                | Cause::OutOfExits { .. } => true,
                Cause::OutOfProcessorTime { .. } | Cause::Idle { .. } => true,
                Cause::EndedByDebugger | Cause::HostTooSlow { .. } => false,
            }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Panic { message } => write!(f, "the kernel panicked: {}", message.as_str()),
            Cause::TripleFault => write!(f, "triple fault"),
            Cause::Halted => write!(f, "the guest halted with nothing that could wake it"),
            Cause::InternalError { suberror } if *suberror == KVM_INTERNAL_ERROR_EMULATION => {
                write!(f, "KVM could not emulate an instruction of the kernel")
            }
            Cause::InternalError { suberror } => write!(f, "KVM internal error, suberror {suberror}"),
            Cause::EntryFailed { reason } => {
                write!(f, "the processor refused the guest's state ({reason:#x})")
            }
            Cause::UnexpectedExit { exit } => write!(f, "unexpected exit {exit}"),
            Cause::OutOfExits { limit } => write!(f, "the guest used up its budget of {limit} exits"),
            Cause::OutOfProcessorTime { limit } => write!(
                f,
                "the guest used up its budget of {} s of processor time",
                limit.as_secs_f64()
            ),
            Cause::Idle { limit } => write!(
                f,
                "the guest halted for {} s, which is its budget, and awaited nothing",
                limit.as_secs_f64()
            ),
            Cause::EndedByDebugger => write!(f, "the debugger ended the run (its command `kill`)"),
            Cause::HostTooSlow { limit } => write!(
                f,
                "the host is too slow: {} s have passed, and the guest has not come to use up its budget; `--slow` gives the host longer",
                limit.as_secs_f64()
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.rip)?;
        if let Some(symbol) = &self.symbol {
            write!(f, " in {symbol}")?;
        }
        match &self.instruction {
            Some(instruction) => write!(f, ", instruction `{instruction}`")?,
            None if self.bytes.is_empty() => return write!(f, ", where nothing is mapped"),
            None => {}
        }
        write!(f, ", bytes")?;
        self.bytes.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
    }
}

/// Where the processor is.
pub(super) fn place(fd: &VcpuFd, memory: &GuestMemoryMmap, symbols: &Symbols) -> Result<Place, VmError> {
    let rip = fd.get_regs().map_err(refused("read the general registers"))?.rip;
    let system = fd.get_sregs().map_err(refused("read the system registers"))?;
    let bytes = code_at(PhysicalMemory::new(memory), &system, rip);
    let instruction = decode(&system, rip, &bytes);
    let len_bytes = instruction.map_or(MAX_INSTRUCTION_BYTES, |instruction| instruction.len());
    Ok(Place {
        rip,
        paging: is_paging(&system),
        symbol: symbols.name(VirtAddr(rip)),
        bytes: bytes.into_iter().take(len_bytes).collect(),
        instruction: instruction.as_ref().map(text),
        root: Root::from_cr3(system.cr3),
        last_fault: system.cr2,
    })
}

/// How an instruction is written.
fn text(instruction: &Instruction) -> String {
    let mut text = String::new();
    NasmFormatter::new().format(instruction, &mut text);
    text
}
