//! Has a debugger look at the processor, and does as it says.
//!
//! The processor stands still for it before its first instruction, at breakpoints, after steps, when it asks for it, between two runs of the
//! guest, and when the guest has died. Breakpoints and steps are those of [`Stepping`]: in the kernel only.

use std::time::Duration;

use vm_memory::GuestMemoryMmap;

use super::super::death::Cause;
use super::super::debugger::{Debugger, Halt, Registers, Resume};
use super::super::processor::{code_at, decode, is_user};
use super::super::{VmError, refused};
use super::stepping::{Stepping, Steps, leads_to_user};
use super::{Next, Vcpu, outside};
use crate::address::VirtAddr;
use crate::channel::Devices;
use crate::inspect::PhysicalMemory;

/// How long a guest runs until the debugger is asked whether it wants it to stand still.
const UNTIL_ASKED: Duration = Duration::from_millis(50);

/// A debugger, and what there was when it came.
pub(super) struct Debugging {
    debugger: Box<dyn Debugger>,
    /// Exits of the guest.
    exits: u64,
}

impl Vcpu {
    /// From now on the debugger looks at the processor, until it says that it does so no more. Beside system calls and page faults these
    /// addresses are ways into the kernel.
    pub(in crate::vm) fn attach(&mut self, debugger: Box<dyn Debugger>, ways_in: &[VirtAddr]) {
        self.stepping.get_or_insert_default().set_ways(ways_in);
        self.usage.suspend();
        self.watchdog.look_again_in(UNTIL_ASKED);
        self.debugging = Some(Debugging {
            debugger,
            exits: self.exits,
        });
    }

    /// Whether a debugger looks at the processor.
    pub(in crate::vm) fn is_debugged(&self) -> bool {
        self.debugging.is_some()
    }

    /// Has the debugger look, if there is one. The guest does not run now.
    pub(in crate::vm) fn halt(
        &mut self,
        halt: &Halt<'_>,
        devices: &Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<(), VmError> {
        self.uncover(memory);
        let (Some(debugging), Some(stepping)) = (&mut self.debugging, &mut self.stepping) else {
            return Ok(());
        };
        let before = Registers {
            // An agent waits for an answer by an access to its doorbell.
            in_access: *halt == Halt::Between,
            ..Registers::of(&self.fd)?
        };
        let mut registers = before.clone();
        let resume = debugging.debugger.halted(halt, &mut registers, memory);
        registers.put(&before, &self.fd)?;
        let steps = match resume {
            Resume::Runs(places) => Steps::ToPlaces(places),
            Resume::Steps => way_of_step(&registers, PhysicalMemory::new(memory)),
            Resume::Alone => {
                self.max_exits = self.max_exits.saturating_add(self.exits - debugging.exits);
                self.usage.resume(outside(devices));
                self.debugging = None;
                Steps::Off
            }
            Resume::Ends => {
                self.debugging = None;
                self.unmet = Some(Next::Die(Cause::EndedByDebugger));
                Steps::Off
            }
        };
        stepping.arm(&self.fd, memory, steps)
    }

    /// The same for a guest that runs before and after it.
    pub(super) fn halt_running(
        &mut self,
        halt: &Halt<'_>,
        devices: &Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<(), VmError> {
        self.watchdog.leave();
        self.halt(halt, devices, memory)?;
        self.watchdog.enter();
        self.cover(memory)
    }

    /// The processor stands before an instruction, after a step or at a breakpoint.
    pub(super) fn halt_at_instruction(
        &mut self,
        devices: &Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<(), VmError> {
        let halt = match self.stepping.as_ref().map(Stepping::steps) {
            Some(Steps::ToPlaces(_)) => Halt::Breakpoint,
            Some(Steps::ToKernel) if self.is_in_user_mode()? => return Ok(()),
            Some(Steps::ToKernel | Steps::InKernel | Steps::Interruptible) => Halt::Stepped,
            // What was armed before the last halt.
            Some(Steps::Off) | None => return Ok(()),
        };
        self.halt_running(&halt, devices, memory)
    }

    /// The watchdog has the thread look, and there is a debugger: it may want the processor to stand still. What this means for the guest; None
    /// for nothing.
    pub(super) fn ask_debugger(
        &mut self,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<Option<Next>, VmError> {
        if let Some(debugging) = &mut self.debugging
            && debugging.debugger.wants_a_halt()
        {
            // An instruction whose access was answered is finished first: KVM says where the processor is only then.
            if let Some(next) = self.finish_instruction(devices, memory)? {
                return Ok(Some(next));
            }
            self.halt_running(&Halt::Wanted, devices, memory)?;
        }
        Ok(self.unmet.take())
    }

    /// The clocks are looked at again in so much time, or sooner, so that a debugger is asked and those who are watched are seen.
    pub(super) fn look_again_in(&self, until_look: Duration) {
        let sooner = [self.is_debugged().then_some(UNTIL_ASKED), self.watch_interval()];
        let until_look = sooner.into_iter().flatten().fold(until_look, Duration::min);
        self.watchdog.look_again_in(until_look);
    }

    fn is_in_user_mode(&self) -> Result<bool, VmError> {
        let system = self
            .fd
            .get_sregs()
            .map_err(refused("read the system registers"))?;
        Ok(is_user(&system))
    }
}

/// How the processor comes to the next instruction of the kernel.
fn way_of_step(registers: &Registers, memory: PhysicalMemory<'_>) -> Steps {
    let Registers { general, system, .. } = registers;
    if is_user(system) {
        return Steps::ToKernel;
    }
    let code = decode(system, general.rip, &code_at(memory, system, general.rip));
    match code {
        Some(code) if leads_to_user(&code, general, system, memory) => Steps::ToKernel,
        // The processor will say what is wrong with what is none.
        Some(_) | None => Steps::InKernel,
    }
}
