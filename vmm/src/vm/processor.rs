//! What the processor is about to carry out, and registers that have no call of their own.

use arrayvec::ArrayVec;
use iced_x86::{Decoder, DecoderOptions, Instruction};
use kvm_bindings::{Msrs, kvm_msr_entry, kvm_sregs};
use kvm_ioctls::VcpuFd;

use crate::address::{PhysAddr, VirtAddr};
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{self, Root};

/// Longest x86 instruction.
pub(super) const MAX_INSTRUCTION_BYTES: usize = 15;
/// CR0: paging on.
const PAGING: u64 = 1 << 31;
/// Privilege level of user mode, in a code segment's selector.
pub(super) const USER: u64 = 3;

/// Whether addresses are virtual.
pub(crate) fn is_paging(system: &kvm_sregs) -> bool {
    system.cr0 & PAGING != 0
}

/// Whether the processor is in user mode.
pub(crate) fn is_user(system: &kvm_sregs) -> bool {
    u64::from(system.cs.dpl) == USER
}

/// The bytes from an address on of which an instruction may be, as far as they are in memory.
pub(super) fn code_at(
    memory: PhysicalMemory<'_>,
    system: &kvm_sregs,
    address: u64,
) -> ArrayVec<u8, MAX_INSTRUCTION_BYTES> {
    let read = |from: u64, to: &mut [u8]| {
        if is_paging(system) {
            walk::read(memory, Root::from_cr3(system.cr3), VirtAddr(from), to).is_ok()
        } else {
            memory.copy(PhysAddr(from), to).is_ok()
        }
    };
    let mut whole = [0; MAX_INSTRUCTION_BYTES];
    if read(address, &mut whole) {
        return whole.into();
    }
    // The last ones lie in a page that is not there.
    let byte_at = |offset: usize| {
        let mut byte = [0];
        read(address.checked_add(offset as u64)?, &mut byte).then_some(byte[0])
    };
    (0..MAX_INSTRUCTION_BYTES).map_while(byte_at).collect()
}

/// The first instruction of these bytes; None when they are none.
pub(super) fn decode(system: &kvm_sregs, address: u64, bytes: &[u8]) -> Option<Instruction> {
    let bits = if system.cs.l != 0 { 64 } else { 32 };
    let instruction = Decoder::with_ip(bits, bytes, address, DecoderOptions::NONE).decode();
    (!instruction.is_invalid()).then_some(instruction)
}

/// A model-specific register. None where KVM does not let it be read.
pub(super) fn model_specific_register(fd: &VcpuFd, index: u32) -> Option<kvm_msr_entry> {
    let entry = kvm_msr_entry {
        index,
        ..Default::default()
    };
    let mut registers = Msrs::from_entries(&[entry]).expect("one is not too many");
    let read = fd.get_msrs(&mut registers).ok()?;
    registers.as_slice().first().filter(|_| read == 1).copied()
}
