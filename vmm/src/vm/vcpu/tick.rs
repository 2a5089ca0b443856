//! Ticks of the virtual clock: interrupts that are raised while the guest stands still.

use abi::clock::TICK_VECTOR;
use vm_memory::GuestMemoryMmap;

use super::super::{VmError, refused};
use super::{Next, Vcpu};
use crate::channel::Devices;

/// The tick that was raised last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tick {
    Taken,
    Pending,
}

impl Vcpu {
    pub(in crate::vm) fn raise_tick(&mut self) {
        self.tick = Tick::Pending;
    }

    pub(in crate::vm) fn tick_is_pending(&self) -> bool {
        self.tick == Tick::Pending
    }

    /// Has KVM finish the instruction whose access was answered, and nothing more: what it says of the processor is said of the
    /// moment before the next instruction then. None when that is so; otherwise the instruction wants another access.
    pub(super) fn finish_instruction(
        &mut self,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<Option<Next>, VmError> {
        self.fd.set_kvm_immediate_exit(1);
        let next = self.enter(devices, memory);
        self.fd.set_kvm_immediate_exit(0);
        next
    }

    /// Interrupts the processor, or asks KVM to say when it can be interrupted.
    pub(super) fn deliver_tick(&mut self) -> Result<(), VmError> {
        let run = self.fd.get_kvm_run();
        let ready = run.ready_for_interrupt_injection != 0;
        run.request_interrupt_window = u8::from(!ready);
        if !ready {
            return Ok(());
        }
        // KVM_INTERRUPT does nothing else where there is no interrupt controller.
        let mut events = self
            .fd
            .get_vcpu_events()
            .map_err(refused("tell which events wait"))?;
        events.interrupt.injected = 1;
        events.interrupt.nr = TICK_VECTOR;
        events.interrupt.soft = 0;
        self.fd
            .set_vcpu_events(&events)
            .map_err(refused("interrupt the guest"))?;
        self.tick = Tick::Taken;
        Ok(())
    }
}
