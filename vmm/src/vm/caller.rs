//! Who accesses the doorbell: what the processor was doing when the access came.
//!
//! An agent runs in user mode, in the code of the agent's program, with one page table from the beginning of an operation to its
//! end, and nobody steps through it. A kernel that plays the agent, or that shows the VMM another page table than it uses, is
//! something else at one access or another.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kvm_ioctls::VcpuFd;
use vm_memory::GuestMemoryMmap;

use super::{VmError, refused};
use crate::address::VirtAddr;
use crate::channel::{Call, Channel};
use crate::guest::ProgramText;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;

/// The privilege level of user mode.
const USER_LEVEL: u16 = 3;
/// RFLAGS: a debug exception after each instruction.
const TRAP_FLAG: u64 = 1 << 8;
/// DR7: the enabling bits of the four breakpoints.
const BREAKPOINTS: u64 = 0xff;

/// Why an access to the doorbell is not an agent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Imposture {
    /// The processor was not in user mode.
    KernelMode,
    /// The instruction is not one of the agent's program.
    OtherCode,
    /// Another page table was in use when the operation began.
    OtherPageTable,
    /// The processor stops after each instruction.
    SingleStep,
    /// A breakpoint is set.
    Breakpoint,
}

impl fmt::Display for Imposture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Imposture::KernelMode => "the processor was in kernel mode",
            Imposture::OtherCode => "the instruction is not one of the agent's program",
            Imposture::OtherPageTable => "another page table was in use when the operation began",
            Imposture::SingleStep => "the processor stops after each instruction",
            Imposture::Breakpoint => "a breakpoint is set",
        })
    }
}

/// What is known of those who access the doorbell.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Code of the agent's program; None when the guest has no such program, so that nobody is an agent.
    agent: Option<ProgramText>,
    /// The page table with which each channel's operation began.
    roots: BTreeMap<Channel, Root>,
    /// What was wrong, once each. Channels are few, and so are the ways to be wrong.
    wrong: BTreeSet<(Channel, Imposture)>,
}

impl Callers {
    pub(super) fn new(agent: Option<ProgramText>) -> Callers {
        Callers {
            agent,
            ..Callers::default()
        }
    }

    /// Looks at the processor, which stands still at an access to the doorbell.
    pub(super) fn look(
        &mut self,
        (channel, call): (Channel, Call),
        fd: &VcpuFd,
        memory: &GuestMemoryMmap,
    ) -> Result<(), VmError> {
        let general = fd.get_regs().map_err(refused("read the general registers"))?;
        let system = fd.get_sregs().map_err(refused("read the system registers"))?;
        let root = Root::from_cr3(system.cr3);
        let memory = PhysicalMemory::new(memory);
        let is_agent_code = |agent: &ProgramText| agent.is_mapped_at(VirtAddr(general.rip), memory, root);
        let mut tell = |imposture| {
            self.wrong.insert((channel, imposture));
        };
        if system.cs.selector & USER_LEVEL != USER_LEVEL {
            tell(Imposture::KernelMode);
        } else if !self.agent.as_ref().is_some_and(is_agent_code) {
            tell(Imposture::OtherCode);
        }
        if general.rflags & TRAP_FLAG != 0 {
            tell(Imposture::SingleStep);
        }
        match call {
            Call::Begins => {
                self.roots.insert(channel, root);
                let debug = fd.get_debug_regs().map_err(refused("read the debug registers"))?;
                if debug.dr7 & BREAKPOINTS != 0 {
                    tell(Imposture::Breakpoint);
                }
            }
            Call::GoesOn if self.roots.get(&channel).is_some_and(|began| *began != root) => {
                tell(Imposture::OtherPageTable);
            }
            Call::GoesOn => {}
        }
        Ok(())
    }

    pub(super) fn wrong(&self) -> impl Iterator<Item = (Channel, Imposture)> {
        self.wrong.iter().copied()
    }
}
