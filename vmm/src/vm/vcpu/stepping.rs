//! Steps the processor through the kernel.
//!
//! KVM steps the processor while it is in kernel mode. Steps begin at a breakpoint on each way into the kernel, and end before the instruction
//! that leads back to user mode: programs run as they always do. Where KVM interprets kernel mode, a step in user mode would end the program.
//! Beside steps there are breakpoints at chosen places of the kernel. [`following`](super::following) and [`debugging`](super::debugging) say when
//! which of them is armed.
//!
//! A breakpoint is one of the processor's debug registers. One on a way into the kernel is an instruction that leaves the guest, too, in the place
//! of the kernel's own: where QEMU emulates a processor with extensions for virtual machines, its guests have no breakpoints, neither by registers
//! nor by `int3`. The instruction is there only while programs run: whoever looks at a guest that stands still finds the kernel as it is.

use arrayvec::ArrayVec;
use iced_x86::{Instruction, Mnemonic};
use kvm_bindings::{
    KVM_GUESTDBG_BLOCKIRQ, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW_BP,
    kvm_guest_debug, kvm_regs, kvm_sregs,
};
use kvm_ioctls::VcpuFd;
use nix::errno::Errno;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::super::debugger::{BREAKPOINTS, Breakpoints};
use super::super::processor::{USER, model_specific_register};
use super::super::{VmError, refused};
use super::Vcpu;
use crate::address::VirtAddr;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{self, Root};

/// How many ways into the kernel a kernel can name.
const WAYS_IN: usize = BREAKPOINTS - 2;
/// DR7 with no breakpoint: a bit that is always set.
const NONE_ENABLED: u64 = 1 << 10;
/// The same with the first breakpoint, for instructions. That of each further one is two bits up.
const FIRST_ENABLED: u64 = 0b10;
/// IA32_LSTAR: where `syscall` leads.
const SYSTEM_CALL_ENTRY: u32 = 0xc000_0082;
/// The vector of page faults.
const PAGE_FAULT: u64 = 14;
/// Bytes of a gate of the interrupt descriptor table.
const GATE_BYTES: u64 = 16;
/// Where the code segment is among what the processor pushes at an interrupt, from the instruction pointer up.
const SEGMENT_IN_FRAME: u64 = 8;
/// A port that no machine has anything at.
pub(super) const BREAKPOINT_PORT: u8 = 0xe0;
/// Of so many times that the kernel leads to user mode, interrupts that wait come in after one. Steps are slow, so where time passes by itself the next
/// tick is due when the kernel has handled one, and a program would never go on.
const LEAVES_FOR_INTERRUPTS: u32 = 64;
/// `out BREAKPOINT_PORT, al`.
const BREAKPOINT: [u8; 2] = [0xe6, BREAKPOINT_PORT];

/// What steps the processor, and where it breaks.
#[derive(Default)]
pub(super) struct Stepping {
    /// Where the kernel begins to run, beside where the processor itself goes.
    ways_of_kernel: ArrayVec<VirtAddr, WAYS_IN>,
    /// All ways in, of the moment when they were armed last: that of system calls, that of page faults, and the kernel's own.
    ways: Breakpoints,
    steps: Steps,
    /// Whether interrupts wait in user mode, too, most of the time.
    holds_interrupts: bool,
    /// How often the kernel has led to user mode.
    leaves: u32,
    /// What is in the places of breakpoints.
    covered: Vec<(GuestAddress, [u8; 2])>,
}

/// Whether the processor is stepped, or where it breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Steps {
    /// Nothing is armed.
    #[default]
    Off,
    /// There are breakpoints on the ways into the kernel.
    ToKernel,
    /// Each instruction is a step.
    InKernel,
    /// The same, and interrupts come in before it: the kernel has halted to wait for one.
    Interruptible,
    /// There are breakpoints at these places of the kernel.
    ToPlaces(Breakpoints),
}

impl Vcpu {
    /// The guest runs from now on: breakpoints are put into its memory.
    pub(super) fn cover(&mut self, memory: &GuestMemoryMmap) -> Result<(), VmError> {
        match &mut self.stepping {
            Some(stepping) => stepping.cover(&self.fd, memory),
            None => Ok(()),
        }
    }

    /// Whether the guest has come to a breakpoint by what it has just written to [`BREAKPOINT_PORT`]. It stands before its own instruction then.
    pub(super) fn is_at_breakpoint(&mut self) -> Result<bool, VmError> {
        let Some(stepping) = self
            .stepping
            .as_ref()
            .filter(|stepping| !stepping.covered.is_empty())
        else {
            return Ok(false);
        };
        // KVM leaves the instruction behind when it is asked to run.
        self.fd.set_kvm_immediate_exit(1);
        let finished = self.fd.run().map(drop);
        self.fd.set_kvm_immediate_exit(0);
        if let Err(error) = finished
            && Errno::from_raw(error.errno()) != Errno::EINTR
        {
            return Err(refused("run the guest")(error));
        }
        let mut general = self
            .fd
            .get_regs()
            .map_err(refused("read the general registers"))?;
        let began = general.rip.wrapping_sub(BREAKPOINT.len() as u64);
        if !stepping.ways.contains(&VirtAddr(began)) {
            return Ok(false);
        }
        general.rip = began;
        self.fd
            .set_regs(&general)
            .map_err(refused("set the general registers"))?;
        Ok(true)
    }

    /// The guest stands still from now on.
    pub(super) fn uncover(&mut self, memory: &GuestMemoryMmap) {
        if let Some(stepping) = &mut self.stepping {
            stepping.uncover(memory);
        }
    }
}

impl Stepping {
    /// From now on these are ways into the kernel beside those of system calls and page faults; [`WAYS_IN`] of them count.
    pub(super) fn set_ways(&mut self, ways_in: &[VirtAddr]) {
        self.ways_of_kernel = ways_in.iter().take(WAYS_IN).copied().collect();
    }

    /// From now on interrupts wait in user mode, too, most of the time.
    pub(super) fn hold_interrupts(&mut self) {
        self.holds_interrupts = true;
    }

    /// All ways in, of the moment when they were armed last.
    pub(super) fn ways(&self) -> &[VirtAddr] {
        &self.ways
    }

    pub(super) fn steps(&self) -> &Steps {
        &self.steps
    }

    pub(super) fn arm(&mut self, fd: &VcpuFd, memory: &GuestMemoryMmap, steps: Steps) -> Result<(), VmError> {
        let step = |control| kvm_guest_debug {
            control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | control,
            ..Default::default()
        };
        let debug = match &steps {
            Steps::Off => kvm_guest_debug::default(),
            // Where time passes by itself there would be an interrupt before each step.
            Steps::InKernel => step(KVM_GUESTDBG_BLOCKIRQ),
            Steps::Interruptible => step(0),
            Steps::ToKernel => {
                self.ways = self.find_ways(fd, PhysicalMemory::new(memory))?;
                self.leaves = self.leaves.wrapping_add(1);
                let mut debug = at(&self.ways);
                if self.holds_interrupts && !self.leaves.is_multiple_of(LEAVES_FOR_INTERRUPTS) {
                    debug.control |= KVM_GUESTDBG_BLOCKIRQ;
                }
                debug
            }
            Steps::ToPlaces(places) => at(places),
        };
        fd.set_guest_debug(&debug)
            .map_err(refused("follow the processor"))?;
        self.steps = steps;
        Ok(())
    }

    /// Where the kernel begins to run.
    fn find_ways(&self, fd: &VcpuFd, memory: PhysicalMemory<'_>) -> Result<Breakpoints, VmError> {
        let system = fd.get_sregs().map_err(refused("read the system registers"))?;
        let system_call = model_specific_register(fd, SYSTEM_CALL_ENTRY).map_or(0, |register| register.data);
        let of_processor = [VirtAddr(system_call), page_fault_gate(memory, &system)];
        Ok(of_processor
            .into_iter()
            .chain(self.ways_of_kernel.iter().copied())
            .collect())
    }

    /// Puts breakpoints on the ways into the kernel into memory, if they are armed.
    pub(super) fn cover(&mut self, fd: &VcpuFd, memory: &GuestMemoryMmap) -> Result<(), VmError> {
        if self.steps != Steps::ToKernel {
            return Ok(());
        }
        let system = fd.get_sregs().map_err(refused("read the system registers"))?;
        let physical = PhysicalMemory::new(memory);
        let root = Root::from_cr3(system.cr3);
        for way in &self.ways {
            let target = walk::translate(physical, root, *way).ok();
            let Some(at) = target.map(|target| GuestAddress(target.address.0)) else {
                continue;
            };
            let is_covered = self.covered.iter().any(|(other, _)| *other == at);
            // A way that leads out of memory is none.
            if let Ok(bytes) = memory.read_obj(at)
                && !is_covered
                && memory.write_obj(BREAKPOINT, at).is_ok()
            {
                self.covered.push((at, bytes));
            }
        }
        Ok(())
    }

    pub(super) fn uncover(&mut self, memory: &GuestMemoryMmap) {
        for (at, bytes) in self.covered.drain(..) {
            memory.write_obj(bytes, at).expect("it could be written before");
        }
    }
}

/// What KVM is told for breakpoints at these places.
fn at(places: &[VirtAddr]) -> kvm_guest_debug {
    let mut debug = kvm_guest_debug {
        control: KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
        ..Default::default()
    };
    let registers = &mut debug.arch.debugreg;
    registers[7] = NONE_ENABLED;
    for (number, at) in places.iter().enumerate() {
        registers[number] = at.0;
        registers[7] |= FIRST_ENABLED << (2 * number);
    }
    debug
}

/// Whether an instruction that the kernel is about to carry out leads to user mode.
pub(super) fn leads_to_user(
    code: &Instruction,
    general: &kvm_regs,
    system: &kvm_sregs,
    memory: PhysicalMemory<'_>,
) -> bool {
    match code.mnemonic() {
        Mnemonic::Sysretq | Mnemonic::Sysret => true,
        Mnemonic::Iretq => {
            let segment = read_u64(memory, system, general.rsp.wrapping_add(SEGMENT_IN_FRAME));
            segment.is_some_and(|segment| segment & USER == USER)
        }
        _ => false,
    }
}

/// Where page faults lead.
fn page_fault_gate(memory: PhysicalMemory<'_>, system: &kvm_sregs) -> VirtAddr {
    let gate = system.idt.base.wrapping_add(PAGE_FAULT * GATE_BYTES);
    let [low, high] = [gate, gate.wrapping_add(8)].map(|at| read_u64(memory, system, at).unwrap_or_default());
    // Bits 0 to 15 and 48 to 63 of the first word, and the second one.
    VirtAddr(low & 0xffff | low >> 32 & 0xffff_0000 | high << 32)
}

/// Eight bytes at a virtual address, if they are mapped.
pub(super) fn read_u64(memory: PhysicalMemory<'_>, system: &kvm_sregs, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    walk::read(memory, Root::from_cr3(system.cr3), VirtAddr(at), &mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}
