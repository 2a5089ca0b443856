//! What the machine knows of a debugger: somebody who is asked where the processor stands still, and says how it goes on.

use arrayvec::ArrayVec;
use kvm_bindings::{kvm_fpu, kvm_regs, kvm_sregs};
use kvm_ioctls::VcpuFd;
use vm_memory::GuestMemoryMmap;

use super::{Cause, Vm, VmError, refused};
use crate::address::VirtAddr;

/// How many addresses the processor can break at.
pub(crate) const BREAKPOINTS: usize = 4;

/// Places in the kernel at which the processor breaks.
pub(crate) type Breakpoints = ArrayVec<VirtAddr, BREAKPOINTS>;

/// Somebody who looks at the processor where it stands still. While there is one, no budget ends the guest.
pub(crate) trait Debugger {
    /// The processor stands still: says how it goes on. The registers may be changed, and so may memory.
    fn halted(&mut self, halt: &Halt<'_>, registers: &mut Registers, memory: &GuestMemoryMmap) -> Resume;

    /// The guest runs: whether the processor is to stand still. Asked many times a second.
    fn wants_a_halt(&mut self) -> bool;
}

/// Why the processor stands still for a debugger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt<'a> {
    /// Before the first instruction.
    Begun,
    /// At a breakpoint.
    Breakpoint,
    /// After a step.
    Stepped,
    /// The debugger wanted it.
    Wanted,
    /// Between two runs of the guest: an agent waits for its next operation.
    Between,
    /// The guest has died of this. It goes on no more, but can be looked at.
    Died(&'a Cause),
}

/// How the processor goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// Until it comes to one of these places.
    Runs(Breakpoints),
    /// To the next instruction of the kernel: in user mode, and before an instruction that leads there, where the kernel begins to run next.
    Steps,
    /// Without a debugger.
    Alone,
    /// Not at all.
    Ends,
}

/// The registers of a processor that stands still.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Registers {
    /// Those that instructions name.
    pub(crate) general: kvm_regs,
    /// Segments, control registers and tables.
    pub(crate) system: kvm_sregs,
    /// Those of floating-point numbers.
    pub(crate) floating: kvm_fpu,
    /// Whether an access to a device is under way, so that KVM takes no general registers.
    pub(crate) in_access: bool,
}

impl Registers {
    pub(super) fn of(fd: &VcpuFd) -> Result<Registers, VmError> {
        Ok(Registers {
            general: fd.get_regs().map_err(refused("read the general registers"))?,
            system: fd.get_sregs().map_err(refused("read the system registers"))?,
            floating: fd
                .get_fpu()
                .map_err(refused("read the floating-point registers"))?,
            in_access: false,
        })
    }

    /// Gives the processor those that are otherwise than before.
    pub(super) fn put(&self, before: &Registers, fd: &VcpuFd) -> Result<(), VmError> {
        if self.general != before.general {
            fd.set_regs(&self.general)
                .map_err(refused("set the general registers"))?;
        }
        if self.system != before.system {
            fd.set_sregs(&self.system)
                .map_err(refused("set the system registers"))?;
        }
        Ok(())
    }
}

impl Vm {
    /// From now on a debugger looks at the processor, which nobody follows. Where the kernel begins to run its functions `ways_in` say, as for
    /// [`Vm::follow`]. The machine has not run yet.
    ///
    /// # Errors
    /// The kernel's file has no such functions.
    pub(crate) fn attach(&mut self, debugger: Box<dyn Debugger>, ways_in: &[String]) -> Result<(), VmError> {
        let ways_in = self.functions(ways_in)?;
        self.vcpu.attach(debugger, &ways_in);
        Ok(())
    }

    /// Has the debugger look, if there is one, where the machine stands still between two runs.
    ///
    /// # Errors
    /// KVM refuses.
    pub(crate) fn halt(&mut self) -> Result<(), VmError> {
        self.vcpu.halt(&Halt::Between, &self.devices, &self.memory)
    }
}
