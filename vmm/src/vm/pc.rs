//! What a PC has besides the bare machine: interrupt controllers and a timer, which KVM emulates, and lines to them.
//!
//! There is no table of processors or interrupt controllers, so a kernel finds the two 8259s and no I/O APIC, and learns from the timer how fast its
//! processor counts. Devices of virtio are in tables of ACPI ([`super::acpi`]).

use std::sync::Arc;

use kvm_bindings::{CpuId, KVM_PIT_SPEAKER_DUMMY, kvm_pit_config};
use kvm_ioctls::VmFd;

use super::{VmError, refused};
use crate::channel::{Console, Devices};
use crate::interrupt_line::InterruptLine;

/// Interrupt lines of the serial ports, where every PC has them.
const SERIAL_LINE: u32 = 4;
const SECOND_SERIAL_LINE: u32 = 3;

/// CPUID leaf of the structured extended features, subleaf 0 (Intel SDM volume 2, "CPUID").
const EXTENDED_FEATURES: u32 = 7;
/// What a guest may not use, in EBX: KVM is asked to translate as the kernel would, and a kernel with this feature reaches no page of a program.
const SMAP: u32 = 1 << 20;
/// In ECX: keys that take pages away from a program without a word in its page table.
const PROTECTION_KEYS: u32 = 1 << 3;
/// In ECX: page tables of five levels. The judge's walker knows four.
const FIVE_LEVELS: u32 = 1 << 16;

/// Gives the machine its interrupt controllers and its timer, and connects its devices. To be called before there is a vCPU.
pub(super) fn build(vm: &Arc<VmFd>, devices: &mut Devices) -> Result<(), VmError> {
    vm.create_irq_chip()
        .map_err(refused("emulate interrupt controllers"))?;
    let pit = kvm_pit_config {
        flags: KVM_PIT_SPEAKER_DUMMY,
        ..Default::default()
    };
    vm.create_pit2(pit).map_err(refused("emulate a timer"))?;
    devices.console = Console::with_interrupt(line(vm, SERIAL_LINE));
    devices.second_console = Console::with_interrupt(line(vm, SECOND_SERIAL_LINE));
    if let Some(block) = &mut devices.block {
        block.connect(line(vm, abi::block::INTERRUPT));
    }
    if let Some(vsock) = &mut devices.vsock {
        vsock.connect(line(vm, abi::vsock::INTERRUPT));
    }
    Ok(())
}

/// Hides what a guest may not use.
pub(super) fn hide(cpuid: &mut CpuId) {
    let entries = cpuid.as_mut_slice().iter_mut();
    for entry in entries.filter(|entry| (entry.function, entry.index) == (EXTENDED_FEATURES, 0)) {
        entry.ebx &= !SMAP;
        entry.ecx &= !(PROTECTION_KEYS | FIVE_LEVELS);
    }
}

/// An event that KVM turns into an interrupt would do with less, but a thread of the host's kernel does that when it gets a processor: the guest
/// has gone on meanwhile, and where it is interrupted depends on the host.
fn line(vm: &Arc<VmFd>, number: u32) -> InterruptLine {
    let vm = Arc::clone(vm);
    InterruptLine::to(move || {
        vm.set_irq_line(number, true)?;
        Ok(vm.set_irq_line(number, false)?)
    })
}
