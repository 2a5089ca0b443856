//! Follows the kernel, instruction by instruction: what it calls, and what it stores.

use std::cell::OnceCell;
use std::mem;
use std::rc::Rc;

use iced_x86::{FlowControl, Mnemonic};
use kvm_bindings::{kvm_regs, kvm_sregs};
use kvm_ioctls::VcpuFd;
use vm_memory::GuestMemoryMmap;

use super::super::calls::{Calls, Flow, Identity, Instruction, Label};
use super::super::followed::Followed;
use super::super::inlined::{Inlined, InlinedFunctions};
use super::super::processor::{code_at, decode, is_user};
use super::super::{Symbols, VmError, refused};
use super::stepping::{Steps, leads_to_user, read_u64};
use super::stores::Stores;
use super::{State, Vcpu};
use crate::address::{Half, VirtAddr};
use crate::guest::Inlining;
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::Root;
use crate::printable::Printable;
use crate::scenario::Clock;
use crate::trace::{UNKNOWN, WayIn};

/// Error code of a page fault: an instruction was fetched.
const FETCH: u64 = 1 << 4;
/// Where a task-state segment has the stack of kernel mode.
const STACK_IN_TASK_STATE: u64 = 4;
/// Bytes that the processor pushes when it comes from user mode, from the instruction pointer up.
const FRAME_BYTES: u64 = 40;
/// `sti; hlt`, which is one step: interrupts, and steps, come in behind the instruction that follows `sti`.
const SAFE_HALT: [u8; 2] = [0xfb, 0xf4];
/// `syscall`.
const SYSTEM_CALL: [u8; 2] = [0x0f, 0x05];

/// What was seen of a kernel that is followed.
#[derive(Default)]
pub(super) struct Following {
    calls: Calls,
    stores: Stores,
    /// What is told of the functions that are in others.
    inlining: Inlining,
    /// These functions, read when the first is asked for.
    inlined: OnceCell<Option<InlinedFunctions>>,
    /// What was seen beside the calls.
    seen: Followed,
    /// The system registers, as long as they are those that they were before the last instruction.
    system: Option<kvm_sregs>,
    /// Whether the last instruction was `hlt`, behind which the processor waits for an interrupt.
    has_halted: bool,
}

impl Vcpu {
    /// From now on the kernel is followed, until [`Self::follow_no_more`]. The machine stands still in user mode, or has not run yet. Beside
    /// system calls and page faults these addresses are ways into the kernel.
    pub(in crate::vm) fn follow(
        &mut self,
        memory: &GuestMemoryMmap,
        ways_in: &[VirtAddr],
        inlining: Inlining,
    ) -> Result<(), VmError> {
        let following = self.following.get_or_insert_default();
        following.inlining = inlining;
        let steps = if let State::Ready = self.state {
            following.calls.enter(WayIn::Boot);
            Steps::InKernel
        } else {
            Steps::ToKernel
        };
        let stepping = self.stepping.get_or_insert_default();
        stepping.set_ways(ways_in);
        if self.clock == Clock::Real {
            stepping.hold_interrupts();
        }
        stepping.arm(&self.fd, memory, steps)
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
        let following = self.following.as_mut()?;
        Some(Followed {
            trace: following.calls.take(),
            stacks: following.calls.roots(),
            ..mem::take(&mut following.seen)
        })
    }

    /// The processor stands before an instruction of a kernel that is followed.
    pub(super) fn note_step(&mut self, memory: &GuestMemoryMmap, symbols: &Symbols) -> Result<(), VmError> {
        let (Some(stepping), Some(following)) = (&mut self.stepping, &mut self.following) else {
            return Ok(());
        };
        stepping.uncover(memory);
        let armed = (stepping.steps(), stepping.ways());
        let next = following.look(&self.fd, PhysicalMemory::new(memory), symbols, armed)?;
        if next != *stepping.steps() {
            stepping.arm(&self.fd, memory, next)?;
        }
        stepping.cover(&self.fd, memory)
    }
}

impl Following {
    /// Notes the instruction that comes next, and says what is to be armed for it.
    fn look(
        &mut self,
        fd: &VcpuFd,
        memory: PhysicalMemory<'_>,
        symbols: &Symbols,
        (steps, ways): (&Steps, &[VirtAddr]),
    ) -> Result<Steps, VmError> {
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
        if is_user(&system) {
            return Ok(Steps::ToKernel);
        }
        if *steps == Steps::ToKernel {
            self.calls.enter(way(memory, &general, &system, ways));
        }
        let bytes = code_at(memory, &system, general.rip);
        let Some(code) = decode(&system, general.rip, &bytes) else {
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
        let in_others = match self.inlining {
            Inlining::Told => self.inlined.get_or_init(|| symbols.inlined()).as_ref(),
            Inlining::Untold => None,
        };
        let inlined: Rc<[Inlined]> =
            in_others.map_or_else(Rc::default, |in_others| in_others.at(general.rip));
        let label = |identity: Identity| match (identity, in_others) {
            (Identity::Inlined(one), Some(in_others)) => in_others.label(one),
            (Identity::Called(_) | Identity::Inlined(_), _) => {
                let name = function.and_then(|function| symbols.name_of(function));
                let place = in_others.zip(function);
                Label {
                    name: name.map_or_else(|| UNKNOWN.into(), |name| Printable::name(&name)),
                    place: place.map_or_else(Printable::default, |(known, function)| {
                        known.place_of(function.address)
                    }),
                }
            }
        };
        self.calls.instruction(instruction, general.rsp, &inlined, label);
        if *steps == Steps::ToKernel {
            self.calls.note_root(Root::from_cr3(system.cr3));
        }
        self.stores.expect(&code, &general, &system, memory);
        if leads_to_user(&code, &general, &system, memory) {
            self.calls.note_root(Root::from_cr3(system.cr3));
            self.calls.leave();
            return Ok(Steps::ToKernel);
        }
        let has_halted = mem::replace(
            &mut self.has_halted,
            code.mnemonic() == Mnemonic::Hlt || bytes.starts_with(&SAFE_HALT),
        );
        // Those that matter here are changed by privileged instructions only, once the kernel lies in its half.
        self.system = (!code.is_privileged()).then_some(system);
        Ok(match has_halted {
            true => Steps::Interruptible,
            false => Steps::InKernel,
        })
    }
}

/// Why the kernel begins to run, where it does.
fn way(memory: PhysicalMemory<'_>, general: &kvm_regs, system: &kvm_sregs, ways: &[VirtAddr]) -> WayIn {
    let [system_call, page_fault, ..] = ways else {
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
