//! What the instructions of a followed kernel store, and which page tables they load.

use std::mem;

use iced_x86::{Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register};
use kvm_bindings::{kvm_regs, kvm_sregs};

use super::super::followed::{Followed, Store};
use crate::address::{PhysAddr, VirtAddr};
use crate::inspect::PhysicalMemory;
use crate::inspect::walk::{Root, translate};

/// Most stores of each kind that are kept of a stretch.
const MAX_STORES: usize = 1 << 18;

/// Notes them.
pub(super) struct Stores {
    infos: InstructionInfoFactory,
    /// The words that the instruction before this one may have changed, and what they were.
    expected: Vec<Store>,
    /// Whether it loads a page table.
    loads_root: bool,
}

impl Default for Stores {
    fn default() -> Self {
        Self {
            infos: InstructionInfoFactory::new(),
            expected: Vec::new(),
            loads_root: false,
        }
    }
}

impl Stores {
    /// The kernel has carried out the instruction that [`Self::expect`] was told of, after so many others.
    pub(super) fn happened(
        &mut self,
        at: u64,
        system: &kvm_sregs,
        memory: PhysicalMemory<'_>,
        to: &mut Followed,
    ) {
        for store in self.expected.drain(..) {
            let frame = store.address.frame();
            if to.written.last().is_none_or(|(_, last)| *last != frame) && to.written.len() < MAX_STORES {
                to.written.push((at, frame));
            }
            let is = memory.read_u64(store.address).unwrap_or(store.was);
            if is != store.was && to.stores.len() < MAX_STORES {
                to.stores.push(Store { at, is, ..store });
            }
        }
        if mem::take(&mut self.loads_root) && to.roots.len() < MAX_STORES {
            to.roots.push((at, Root::from_cr3(system.cr3)));
        }
    }

    /// The kernel is about to carry out an instruction.
    pub(super) fn expect(
        &mut self,
        code: &Instruction,
        general: &kvm_regs,
        system: &kvm_sregs,
        memory: PhysicalMemory<'_>,
    ) {
        self.loads_root = code.mnemonic() == Mnemonic::Mov && code.op0_register() == Register::CR3;
        let used = self.infos.info(code).used_memory();
        let stored = used.iter().filter(|used| {
            matches!(
                used.access(),
                OpAccess::Write | OpAccess::ReadWrite | OpAccess::CondWrite | OpAccess::ReadCondWrite
            )
        });
        let root = Root::from_cr3(system.cr3);
        for used in stored {
            let value = |register: Register, _, _| Some(value_of(register, general, system));
            let address = used.virtual_address(0, value).map(VirtAddr);
            let target = address.and_then(|address| translate(memory, root, address).ok());
            let Some(target) = target else {
                continue;
            };
            let address = PhysAddr(target.address.0 & !7);
            if let Ok(was) = memory.read_u64(address) {
                self.expected.push(Store {
                    at: 0,
                    address,
                    was,
                    is: was,
                });
            }
        }
    }
}

/// What a register holds; a segment's is its base.
fn value_of(register: Register, general: &kvm_regs, system: &kvm_sregs) -> u64 {
    let value = match register.full_register() {
        Register::RAX => general.rax,
        Register::RBX => general.rbx,
        Register::RCX => general.rcx,
        Register::RDX => general.rdx,
        Register::RSI => general.rsi,
        Register::RDI => general.rdi,
        Register::RSP => general.rsp,
        Register::RBP => general.rbp,
        Register::R8 => general.r8,
        Register::R9 => general.r9,
        Register::R10 => general.r10,
        Register::R11 => general.r11,
        Register::R12 => general.r12,
        Register::R13 => general.r13,
        Register::R14 => general.r14,
        Register::R15 => general.r15,
        Register::FS => system.fs.base,
        Register::GS => system.gs.base,
        _ => 0,
    };
    if register.is_gpr32() {
        value & u64::from(u32::MAX)
    } else {
        value
    }
}
