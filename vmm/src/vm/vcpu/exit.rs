//! One entry into the guest, and what its exit means.

use kvm_bindings::KVM_EXIT_MMIO;
use kvm_ioctls::VcpuExit;
use nix::errno::Errno;
use vm_memory::GuestMemoryMmap;

use super::super::death::Cause;
use super::super::{VmError, refused};
use super::stepping::BREAKPOINT_PORT;
use super::{Next, Vcpu};
use crate::address::PhysAddr;
use crate::channel::{Access, Devices, Direction, Doorbell, Event};
use crate::inspect::PhysicalMemory;

impl Vcpu {
    /// Runs the guest and answers its exit; None when it was interrupted instead.
    pub(super) fn enter(
        &mut self,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<Option<Next>, VmError> {
        let exit = match self.fd.run() {
            Ok(exit) => exit,
            Err(error) => {
                return match Errno::from_raw(error.errno()) {
                    Errno::EINTR | Errno::EAGAIN => Ok(None),
                    _ => Err(refused("run the guest")(error)),
                };
            }
        };
        if let VcpuExit::Debug(_) = exit {
            return Ok(Some(Next::Stepped));
        }
        if self.stepping.is_some()
            && matches!(exit, VcpuExit::IoOut(port, _) if port == u16::from(BREAKPOINT_PORT))
        {
            self.exits += 1;
            // No machine has anything there: what a guest writes to it on its own account goes nowhere.
            let is_breakpoint = self.is_at_breakpoint()?;
            return Ok(Some(if is_breakpoint { Next::Stepped } else { Next::GoOn }));
        }
        self.exits += 1;
        let call = match &exit {
            VcpuExit::MmioRead(address, _) => Doorbell::call(PhysAddr(*address), Direction::Read),
            VcpuExit::MmioWrite(address, _) => Doorbell::call(PhysAddr(*address), Direction::Write),
            _ => None,
        };
        let prints = self.printers.awaits_somebody()
            && matches!(&exit, VcpuExit::IoOut(port, _) if devices.prints(*port));
        let access = match exit {
            VcpuExit::IoOut(port, data) => devices.port_write(port, data, memory),
            VcpuExit::IoIn(port, data) => {
                devices.port_read(port, data);
                Access::Done
            }
            VcpuExit::MmioRead(address, data) => devices.memory_read(PhysAddr(address), data),
            VcpuExit::MmioWrite(address, data) => {
                devices.memory_write(PhysAddr(address), data, memory);
                Access::Done
            }
            VcpuExit::Hlt => return Ok(Some(Next::Die(Cause::Halted))),
            VcpuExit::Shutdown => return Ok(Some(Next::Die(Cause::TripleFault))),
            VcpuExit::FailEntry(reason, _) => return Ok(Some(Next::Die(Cause::EntryFailed { reason }))),
            VcpuExit::InternalError => {
                return Ok(Some(Next::Die(Cause::InternalError {
                    suberror: self.internal_suberror(),
                })));
            }
            VcpuExit::Intr | VcpuExit::IrqWindowOpen => Access::Done,
            other => {
                return Ok(Some(Next::Die(Cause::UnexpectedExit {
                    exit: format!("{other:?}"),
                })));
            }
        };
        if let Some(call) = call {
            self.callers.look(call, &self.fd, memory)?;
        }
        if prints {
            let root = self.root()?;
            self.printers.look(root, PhysicalMemory::new(memory));
        }
        Ok(Some(match access {
            Access::Done => Next::GoOn,
            Access::Ring(channel) => {
                // Not every kernel says when its first program begins: its first question comes soon after.
                self.note_boot();
                Next::Ring(channel)
            }
            Access::Reset => Next::PoweredOff,
            Access::Reported => {
                let event = devices.events.last();
                event.into_iter().for_each(|event| self.printers.note(event));
                self.after_report(event)
            }
        }))
    }

    #[allow(unsafe_code, reason = "kvm_run keeps its data in a union")]
    pub(super) fn answer_memory_read(&mut self, value: u64) {
        let run = self.fd.get_kvm_run();
        assert_eq!(
            run.exit_reason, KVM_EXIT_MMIO,
            "a ring is a memory read, and nothing has run since"
        );
        // SAFETY: the exit reason says which variant is in force, and it is the one for memory accesses.
        let access = unsafe { &mut run.__bindgen_anon_1.mmio };
        access.data = value.to_le_bytes();
    }

    fn after_report(&mut self, event: Option<&Event>) -> Next {
        match event {
            Some(Event::Panic { message }) => Next::Die(Cause::Panic {
                message: message.clone(),
            }),
            Some(Event::PowerOff) => Next::PoweredOff,
            Some(Event::Choice(choice)) if self.stops_at_choices => Next::Choosing(choice.clone()),
            Some(event) if event.is_a_moment() => Next::Reported(event.clone()),
            Some(Event::FirstUser) => {
                self.note_boot();
                Next::GoOn
            }
            _ => Next::GoOn,
        }
    }

    #[allow(unsafe_code, reason = "kvm_run keeps its data in a union")]
    fn internal_suberror(&mut self) -> u32 {
        let run = self.fd.get_kvm_run();
        // SAFETY: called for an internal error only, for which this variant is in force.
        unsafe { run.__bindgen_anon_1.internal.suberror }
    }
}
