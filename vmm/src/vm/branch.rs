//! A machine that goes on in a forked process as well.
//!
//! The fork copies guest memory lazily, and with it devices, accounts and logs. What KVM has of the machine is made anew: a vCPU, which is
//! all that it has of a bare machine with a virtual clock. Servers that talk to the guest are in no forked process.

use std::time::Duration;

use kvm_ioctls::Kvm;

use super::vcpu::Saved;
use super::{DirtyCursor, Vm, VmError, create};

/// What a forked process needs to go on with a machine.
pub(crate) struct Branch(Saved);

impl Vm {
    /// From now on it stops where the kernel is about to ask who goes on.
    pub(crate) fn stop_at_choices(&mut self) {
        self.vcpu.stop_at_choices();
    }

    /// Has everything ready for a process that is forked next. The machine stands still.
    pub(crate) fn branch(&mut self, kvm: &Kvm) -> Result<Branch, VmError> {
        let saved = self.vcpu.save(kvm, &mut self.devices, &self.memory)?;
        // KVM's log is not copied, so what it holds is read now.
        if let Some(mut stop) = self.stop() {
            stop.written_since(&mut DirtyCursor::default())?;
        }
        Ok(Branch(saved))
    }

    /// In the forked process: makes the machine anew for KVM.
    pub(crate) fn go_on(&mut self, kvm: &Kvm, branch: &Branch) -> Result<(), VmError> {
        let (vm_fd, vcpu_fd) = create(kvm, self.clock, &self.memory, &mut self.devices)?;
        self.vcpu.go_on_with(vcpu_fd, &branch.0)?;
        self.vm_fd = vm_fd;
        if self.vcpu.stop_reason().is_none() {
            self.run()?;
        }
        Ok(())
    }

    /// The host has done something else for so long, for which nobody can blame the guest.
    pub(crate) fn has_waited(&mut self, time: Duration) {
        self.vcpu.has_waited(time);
    }
}
