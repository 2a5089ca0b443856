//! Finds out whether the host's KVM runs kernel mode on the processor, or interprets it. Where it interprets, only kernels run that keep
//! to the instructions that KVM's emulator knows.

use kvm_ioctls::{Kvm, VcpuExit};
use vm_memory::{Bytes, GuestAddress};

use super::load::Start;
use super::{VmError, guest_memory, refused, register_memory, registers};

/// How instructions of kernel mode are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelMode {
    /// By the processor.
    Native,
    /// By KVM's emulator.
    Interpreted,
}

const CODE_AT: GuestAddress = GuestAddress(0x1000);
/// `popcnt eax, eax; hlt`: every processor with hardware for virtual machines of 64 bits has the first, and the emulator has not.
const CODE: &[u8] = &[0xf3, 0x0f, 0xb8, 0xc0, 0xf4];

/// Runs one instruction that tells. Takes milliseconds.
///
/// # Errors
/// The host has no virtual machine to give.
pub fn kernel_mode(kvm: &Kvm) -> Result<KernelMode, VmError> {
    let memory = guest_memory(1)?;
    memory.write_slice(CODE, CODE_AT).map_err(VmError::Probe)?;
    let vm = kvm.create_vm().map_err(refused("create a virtual machine"))?;
    register_memory(&vm, &memory)?;
    let mut vcpu = vm.create_vcpu(0).map_err(refused("create a vCPU"))?;
    let start = Start::Pvh {
        entry: CODE_AT,
        start_info: GuestAddress(0),
    };
    registers::set(&vcpu, &start)?;
    let exit = vcpu.run().map_err(refused("run the guest"))?;
    Ok(match exit {
        VcpuExit::InternalError => KernelMode::Interpreted,
        _ => KernelMode::Native,
    })
}
