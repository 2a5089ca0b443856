//! Where interrupts come from.
//!
//! With the virtual clock the machine has no interrupt controller: the VMM alone interrupts, and only while an agent asks for
//! its next operation, so an interrupt comes at the same instruction in every run. With the real clock it has a local APIC, in
//! KVM, whose timer the guest's kernel programs; a PC has all that [`super::pc`] gives it.

use std::sync::Arc;

use kvm_bindings::{CpuId, KVM_CAP_SPLIT_IRQCHIP, KVM_MAX_CPUID_ENTRIES, kvm_enable_cap};
use kvm_ioctls::{Kvm, VcpuFd, VmFd};

use super::{VmError, pc, refused};
use crate::channel::Devices;
use crate::machine::Machine;
use crate::scenario::Clock;

/// Inputs of an I/O APIC, which KVM leaves to the VMM and this machine does not have.
const IO_APIC_INPUTS: u64 = 24;

/// CPUID leaf of the features, and what it says of interrupts in ECX (Intel SDM volume 2, "CPUID").
const FEATURES: u32 = 1;
const X2APIC: u32 = 1 << 21;
const TSC_DEADLINE_TIMER: u32 = 1 << 24;

/// Gives the machine what interrupts it. To be called before there is a vCPU.
pub(super) fn build(
    vm: &Arc<VmFd>,
    machine: Machine,
    clock: Clock,
    devices: &mut Devices,
) -> Result<(), VmError> {
    match (machine, clock) {
        (Machine::Bare, Clock::Virtual) => Ok(()),
        (Machine::Bare, Clock::Real) => add_local_apic(vm),
        (Machine::Pc, Clock::Virtual | Clock::Real) => pc::build(vm, devices),
    }
}

/// Gives the machine a local APIC for each vCPU that is made from now on, and no other interrupt controller.
fn add_local_apic(vm: &VmFd) -> Result<(), VmError> {
    let split = kvm_enable_cap {
        cap: KVM_CAP_SPLIT_IRQCHIP,
        args: [IO_APIC_INPUTS, 0, 0, 0],
        ..Default::default()
    };
    vm.enable_cap(&split).map_err(refused("emulate a local APIC"))
}

/// Tells the guest what its processor has: all that KVM supports and the machine allows, and a timer if there is one.
pub(super) fn set_features(kvm: &Kvm, vcpu: &VcpuFd, machine: Machine, clock: Clock) -> Result<(), VmError> {
    let mut cpuid = kvm
        .get_supported_cpuid(KVM_MAX_CPUID_ENTRIES)
        .map_err(refused("tell which processor features it supports"))?;
    if clock == Clock::Real {
        // KVM has the timer wherever it has the APIC, and leaves it to the VMM to say so.
        add(&mut cpuid, X2APIC | TSC_DEADLINE_TIMER);
    }
    match machine {
        Machine::Bare => {}
        Machine::Pc => pc::hide(&mut cpuid),
    }
    vcpu.set_cpuid2(&cpuid)
        .map_err(refused("set the processor features"))
}

fn add(cpuid: &mut CpuId, features: u32) {
    let entries = cpuid.as_mut_slice().iter_mut();
    entries
        .filter(|entry| entry.function == FEATURES)
        .for_each(|entry| entry.ecx |= features);
}
