//! Follows the kernel, instruction by instruction.
//!
//! KVM steps the processor while it is in kernel mode. Steps begin at a breakpoint on each way into the kernel, and end before the instruction
//! that leads back to user mode: programs run as they always do. Where KVM interprets kernel mode, a step in user mode would end the program.
//!
//! A breakpoint is one of the processor's debug registers, and an instruction that leaves the guest in the place of the kernel's own: where QEMU
//! emulates a processor with extensions for virtual machines, its guests have no breakpoints, neither by registers nor by `int3`. The instruction
//! is there only while programs run: whoever looks at a guest that stands still finds the kernel as it is.

use std::mem;

use arrayvec::ArrayVec;
use iced_x86::{FlowControl, Mnemonic};
use kvm_bindings::{
    KVM_GUESTDBG_BLOCKIRQ, KVM_GUESTDBG_ENABLE, KVM_GUESTDBG_SINGLESTEP, KVM_GUESTDBG_USE_HW_BP,
    kvm_guest_debug, kvm_regs, kvm_sregs,
};
use kvm_ioctls::VcpuFd;
use nix::errno::Errno;
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::super::calls::{Calls, Flow, Instruction};
use super::super::followed::Followed;
use super::super::processor::{code_at, decode, model_specific_register};
use super::super::{Symbols, VmError, refused};
use super::stores::Stores;
use super::{State, Vcpu};
use crate::address::{Half, VirtAddr};
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{self, Root};
use crate::printable::Printable;
use crate::trace::{UNKNOWN, WayIn};

/// How many addresses the processor can break at.
const BREAKPOINTS: usize = 4;
/// How many of them a kernel can name.
pub(in crate::vm) const WAYS_IN: usize = BREAKPOINTS - 2;
/// DR7 with no breakpoint: a bit that is always set.
const NONE_ENABLED: u64 = 1 << 10;
/// The same with the first breakpoint, for instructions. That of each further one is two bits up.
const FIRST_ENABLED: u64 = 0b10;
/// IA32_LSTAR: where `syscall` leads.
const SYSTEM_CALL_ENTRY: u32 = 0xc000_0082;
/// The vector of page faults.
const PAGE_FAULT: u64 = 14;
/// Error code of a page fault: an instruction was fetched.
const FETCH: u64 = 1 << 4;
/// Bytes of a gate of the interrupt descriptor table.
const GATE_BYTES: u64 = 16;
/// Where a task-state segment has the stack of kernel mode.
const STACK_IN_TASK_STATE: u64 = 4;
/// Bytes that the processor pushes when it comes from user mode, from the instruction pointer up.
const FRAME_BYTES: u64 = 40;
/// Where the code segment is among them.
const SEGMENT_IN_FRAME: u64 = 8;
/// Privilege level of user mode, in a code segment's selector.
const USER: u64 = 3;
/// A port that no machine has anything at.
pub(super) const BREAKPOINT_PORT: u8 = 0xe0;
/// `out BREAKPOINT_PORT, al`.
const BREAKPOINT: [u8; 2] = [0xe6, BREAKPOINT_PORT];
/// `syscall`.
const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];

/// What the vCPU is followed by.
#[derive(Default)]
pub(super) struct Stepping {
    /// Where the kernel begins to run, beside where the processor itself goes.
    ways_of_kernel: ArrayVec<VirtAddr, WAYS_IN>,
    /// All ways in, of the moment when breakpoints were armed last: that of system calls, that of page faults, and the kernel's own.
    ways: ArrayVec<VirtAddr, BREAKPOINTS>,
    calls: Calls,
    stores: Stores,
    /// What was seen beside the calls.
    seen: Followed,
    steps: Steps,
    /// What is in the places of breakpoints.
    covered: Vec<(GuestAddress, [u8; 2])>,
    /// The system registers, as long as they are those that they were before the last instruction.
    system: Option<kvm_sregs>,
}

/// Whether the processor is stepped.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Steps {
    /// Nothing is armed.
    #[default]
    Off,
    /// Breakpoints are.
    ToKernel,
    /// Each instruction is one.
    InKernel,
}

impl Vcpu {
    /// From now on the kernel is followed, until [`Self::follow_no_more`]. The machine stands still in user mode, or has not run yet. Beside
    /// system calls and page faults these addresses are ways into the kernel; [`WAYS_IN`] of them count.
    pub(in crate::vm) fn follow(
        &mut self,
        memory: &GuestMemoryMmap,
        ways_in: &[VirtAddr],
    ) -> Result<(), VmError> {
        let mut stepping = self.stepping.take().unwrap_or_default();
        let of_kernel = ways_in.iter().take(WAYS_IN);
        let steps = if let State::Ready = self.state {
            stepping.calls.enter(WayIn::Boot);
            Steps::InKernel
        } else {
            Steps::ToKernel
        };
        stepping.ways_of_kernel = of_kernel.copied().collect();
        stepping.arm(&self.fd, memory, steps)?;
        self.stepping = Some(stepping);
        Ok(())
    }

    /// The guest runs from now on: breakpoints are put into its memory.
    pub(super) fn cover(&mut self, memory: &GuestMemoryMmap) -> Result<(), VmError> {
        match &mut self.stepping {
            Some(stepping) if stepping.steps == Steps::ToKernel => stepping.cover(&self.fd, memory),
            Some(_) | None => Ok(()),
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

    /// From now on the kernel is not followed.
    pub(in crate::vm) fn follow_no_more(&mut self, memory: &GuestMemoryMmap) -> Result<(), VmError> {
        match &mut self.stepping {
            Some(stepping) => stepping.arm(&self.fd, memory, Steps::Off),
            None => Ok(()),
        }
    }

    /// What the kernel did since this was last called; None when it was not followed.
    pub(in crate::vm) fn take_followed(&mut self) -> Option<Followed> {
        let stepping = self.stepping.as_mut()?;
        Some(Followed {
            trace: stepping.calls.take(),
            stacks: stepping.calls.roots(),
            ..mem::take(&mut stepping.seen)
        })
    }

    /// The processor stands before an instruction.
    pub(super) fn stepped(&mut self, memory: &GuestMemoryMmap, symbols: &Symbols) -> Result<(), VmError> {
        let Some(stepping) = &mut self.stepping else {
            return Ok(());
        };
        stepping.uncover(memory);
        let next = stepping.look(&self.fd, PhysicalMemory::new(memory), symbols)?;
        if next != stepping.steps {
            stepping.arm(&self.fd, memory, next)?;
        }
        if next == Steps::ToKernel {
            stepping.cover(&self.fd, memory)?;
        }
        Ok(())
    }
}

impl Stepping {
    fn arm(&mut self, fd: &VcpuFd, memory: &GuestMemoryMmap, steps: Steps) -> Result<(), VmError> {
        let mut debug = kvm_guest_debug::default();
        match steps {
            Steps::Off => {}
            // Where time passes by itself there would be an interrupt before each step.
            Steps::InKernel => {
                debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_BLOCKIRQ;
            }
            Steps::ToKernel => {
                debug.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP;
                let registers = &mut debug.arch.debugreg;
                registers[7] = NONE_ENABLED;
                self.ways = self.find_ways(fd, PhysicalMemory::new(memory))?;
                for (number, at) in self.ways.iter().enumerate() {
                    registers[number] = at.0;
                    registers[7] |= FIRST_ENABLED << (2 * number);
                }
            }
        }
        fd.set_guest_debug(&debug)
            .map_err(refused("follow the processor"))?;
        self.steps = steps;
        Ok(())
    }

    /// Where the kernel begins to run.
    fn find_ways(
        &self,
        fd: &VcpuFd,
        memory: PhysicalMemory<'_>,
    ) -> Result<ArrayVec<VirtAddr, BREAKPOINTS>, VmError> {
        let system = fd.get_sregs().map_err(refused("read the system registers"))?;
        let system_call = model_specific_register(fd, SYSTEM_CALL_ENTRY).map_or(0, |register| register.data);
        let of_processor = [VirtAddr(system_call), page_fault_gate(memory, &system)];
        Ok(of_processor
            .into_iter()
            .chain(self.ways_of_kernel.iter().copied())
            .collect())
    }

    fn cover(&mut self, fd: &VcpuFd, memory: &GuestMemoryMmap) -> Result<(), VmError> {
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

    fn uncover(&mut self, memory: &GuestMemoryMmap) {
        for (at, bytes) in self.covered.drain(..) {
            memory.write_obj(bytes, at).expect("it could be written before");
        }
    }

    /// Notes the instruction that comes next, and says what is to be armed for it.
    fn look(&mut self, fd: &VcpuFd, memory: PhysicalMemory<'_>, symbols: &Symbols) -> Result<Steps, VmError> {
        let general = fd.get_regs().map_err(refused("read the general registers"))?;
        let system = match self
            .system
            .take()
            .filter(|_| VirtAddr(general.rip).half() == Some(Half::Kernel))
        {
            Some(system) => system,
            None => fd.get_sregs().map_err(refused("read the system registers"))?,
        };
        let at = self.calls.instructions().saturating_sub(1);
        self.stores.happened(at, &system, memory, &mut self.seen);
        if u64::from(system.cs.dpl) == USER {
            return Ok(Steps::ToKernel);
        }
        if self.steps == Steps::ToKernel {
            self.calls.enter(self.way(memory, &general, &system));
        }
        let Some(code) = decode(&system, general.rip, &code_at(memory, &system, general.rip)) else {
            // The processor will say what is wrong with it.
            return Ok(Steps::InKernel);
        };
        let function = symbols.function(VirtAddr(general.rip));
        let instruction = Instruction {
            address: general.rip,
            len_bytes: code.len() as u64,
            flow: match code.flow_control() {
                FlowControl::Next => Flow::Next,
                FlowControl::Call | FlowControl::IndirectCall => Flow::Call,
                FlowControl::Return => Flow::Return,
                _ => Flow::Branch,
            },
            function: function.map(|function| function.address),
        };
        let name = || {
            let name = function.and_then(|function| symbols.name_of(function));
            name.map_or_else(|| UNKNOWN.into(), |name| Printable::name(&name))
        };
        self.calls.instruction(instruction, general.rsp, name);
        if self.steps == Steps::ToKernel {
            self.calls.note_root(Root::from_cr3(system.cr3));
        }
        self.stores.expect(&code, &general, &system, memory);
        let leads_to_user = match code.mnemonic() {
            Mnemonic::Sysretq | Mnemonic::Sysret => true,
            Mnemonic::Iretq => {
                let segment = read_u64(memory, &system, general.rsp.wrapping_add(SEGMENT_IN_FRAME));
                segment.is_some_and(|segment| segment & USER == USER)
            }
            _ => false,
        };
        // Those that matter here are changed by privileged instructions only, once the kernel lies in its half.
        self.system = (!code.is_privileged()).then_some(system);
        if leads_to_user {
            self.system = None;
            self.calls.note_root(Root::from_cr3(system.cr3));
            self.calls.leave();
            return Ok(Steps::ToKernel);
        }
        Ok(Steps::InKernel)
    }

    /// Why the kernel begins to run, where it does.
    fn way(&self, memory: PhysicalMemory<'_>, general: &kvm_regs, system: &kvm_sregs) -> WayIn {
        let [system_call, page_fault, ..] = self.ways[..] else {
            return WayIn::Trap;
        };
        if general.rip == system_call.0 {
            return WayIn::SystemCall(general.rax);
        }
        if general.rip == page_fault.0 {
            let error_code = read_u64(memory, system, general.rsp).unwrap_or_default();
            // Where KVM interprets kernel mode, `syscall` leads there in user mode, which may not execute it.
            return if system.cr2 == system_call.0 && error_code & FETCH != 0 {
                WayIn::SystemCall(general.rax)
            } else {
                WayIn::PageFault {
                    address: system.cr2,
                    error_code,
                }
            };
        }
        // A processor that does not know the instruction says so by an exception.
        let stack = read_u64(memory, system, system.tr.base.wrapping_add(STACK_IN_TASK_STATE));
        let from = stack.and_then(|top| read_u64(memory, system, top.wrapping_sub(FRAME_BYTES)));
        match from.map(|from| code_at(memory, system, from)) {
            Some(code) if code.starts_with(&SYSTEM_CALL) => WayIn::SystemCall(general.rax),
            Some(_) | None => WayIn::Trap,
        }
    }
}

/// Where page faults lead.
fn page_fault_gate(memory: PhysicalMemory<'_>, system: &kvm_sregs) -> VirtAddr {
    let gate = system.idt.base.wrapping_add(PAGE_FAULT * GATE_BYTES);
    let [low, high] = [gate, gate.wrapping_add(8)].map(|at| read_u64(memory, system, at).unwrap_or_default());
    // Bits 0 to 15 and 48 to 63 of the first word, and the second one.
    VirtAddr(low & 0xffff | low >> 32 & 0xffff_0000 | high << 32)
}

fn read_u64(memory: PhysicalMemory<'_>, system: &kvm_sregs, at: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    walk::read(memory, Root::from_cr3(system.cr3), VirtAddr(at), &mut bytes).ok()?;
    Some(u64::from_le_bytes(bytes))
}
