//! A vCPU that goes on in a forked process.
//!
//! KVM serves a machine only in the process that made it. A forked process has all that the machine consists of but for what KVM keeps:
//! the registers are saved before ([`Saved`]), and given to a new vCPU there.

use std::mem;
use std::time::Duration;

use kvm_bindings::{
    Msrs, kvm_debugregs, kvm_mp_state, kvm_msr_entry, kvm_regs, kvm_sregs, kvm_vcpu_events, kvm_xcrs,
    kvm_xsave,
};
use kvm_ioctls::{Kvm, VcpuFd};
use vm_memory::GuestMemoryMmap;

use super::super::processor::model_specific_register;
use super::super::watchdog::Watchdog;
use super::super::{VmError, refused};
use super::{State, Vcpu};
use crate::channel::Devices;

/// The registers of a vCPU between two instructions.
pub(in crate::vm) struct Saved {
    general: kvm_regs,
    system: kvm_sregs,
    model_specific: Vec<kvm_msr_entry>,
    extended_control: kvm_xcrs,
    floating_point: Box<kvm_xsave>,
    debug: kvm_debugregs,
    events: kvm_vcpu_events,
    activity: kvm_mp_state,
}

impl Vcpu {
    /// From now on it stops where the kernel is about to ask who goes on.
    pub(in crate::vm) fn stop_at_choices(&mut self) {
        self.stops_at_choices = true;
    }

    /// The registers: after the instruction that has stopped the guest, or, where an agent waits for an answer, before it. KVM changes no
    /// register before the answer is there, so the instruction can be run once more.
    pub(in crate::vm) fn save(
        &mut self,
        kvm: &Kvm,
        devices: &mut Devices,
        memory: &GuestMemoryMmap,
    ) -> Result<Saved, VmError> {
        match self.state {
            State::Ringing(_) => {}
            State::Ready | State::Reporting(_) | State::Choosing(_) | State::Ended(_) => {
                self.unmet = self.finish_instruction(devices, memory)?;
            }
        }
        let list = kvm
            .get_msr_index_list()
            .map_err(refused("list the model-specific registers"))?;
        let of = |index: &u32| model_specific_register(&self.fd, *index);
        Ok(Saved {
            general: self
                .fd
                .get_regs()
                .map_err(refused("read the general registers"))?,
            system: self
                .fd
                .get_sregs()
                .map_err(refused("read the system registers"))?,
            model_specific: list.as_slice().iter().filter_map(of).collect(),
            extended_control: self
                .fd
                .get_xcrs()
                .map_err(refused("read the extended control registers"))?,
            floating_point: Box::new(
                self.fd
                    .get_xsave()
                    .map_err(refused("read the floating-point state"))?,
            ),
            debug: self
                .fd
                .get_debug_regs()
                .map_err(refused("read the debug registers"))?,
            events: self
                .fd
                .get_vcpu_events()
                .map_err(refused("tell which events wait"))?,
            activity: self
                .fd
                .get_mp_state()
                .map_err(refused("tell whether the processor has halted"))?,
        })
    }

    /// In a forked process: goes on with a vCPU of this process that has the saved registers.
    pub(in crate::vm) fn go_on_with(&mut self, fd: VcpuFd, saved: &Saved) -> Result<(), VmError> {
        saved.restore(&fd)?;
        self.fd = fd;
        let watchdog = Watchdog::start(Duration::ZERO).map_err(VmError::Watchdog)?;
        // The old one's thread is the other process's: nobody can wait for it here.
        mem::forget(mem::replace(&mut self.watchdog, watchdog));
        if let State::Ringing(_) = self.state {
            // The new vCPU has not asked yet, and asks as its next thing.
            self.state = State::Ready;
            self.exits -= 1;
        }
        Ok(())
    }

    /// The host has done something else for so long, for which nobody can blame the guest.
    pub(in crate::vm) fn has_waited(&mut self, time: Duration) {
        self.usage.has_waited(time);
    }
}

impl Saved {
    #[allow(unsafe_code, reason = "KVM is handed a state whose size it cannot check")]
    fn restore(&self, fd: &VcpuFd) -> Result<(), VmError> {
        fd.set_sregs(&self.system)
            .map_err(refused("set the system registers"))?;
        fd.set_regs(&self.general)
            .map_err(refused("set the general registers"))?;
        for entry in &self.model_specific {
            // Most have the value that a new vCPU has, and some of those cannot be written.
            let is_new = model_specific_register(fd, entry.index).is_none_or(|new| new.data != entry.data);
            if is_new {
                let one = Msrs::from_entries(&[*entry]).expect("one is not too many");
                fd.set_msrs(&one)
                    .map_err(refused("set a model-specific register"))?;
            }
        }
        fd.set_xcrs(&self.extended_control)
            .map_err(refused("set the extended control registers"))?;
        // SAFETY: the state is as long as `get_xsave` gave it for a vCPU with the same features, none of which is larger.
        unsafe { fd.set_xsave(&self.floating_point) }.map_err(refused("set the floating-point state"))?;
        fd.set_debug_regs(&self.debug)
            .map_err(refused("set the debug registers"))?;
        fd.set_mp_state(self.activity)
            .map_err(refused("say whether the processor has halted"))?;
        fd.set_vcpu_events(&self.events)
            .map_err(refused("say which events wait"))
    }
}
