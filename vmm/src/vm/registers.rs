//! The registers with which a kernel starts. By the PVH protocol: 32-bit protected mode, flat segments, no paging, EBX points to
//! `hvm_start_info` (Xen's `docs/misc/pvh.pandoc`). By Linux's 64-bit protocol: 64-bit mode, flat segments, paging with what is at an
//! address mapped there, RSI points to `boot_params` (Linux `Documentation/arch/x86/boot.rst`).

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};
use kvm_ioctls::VcpuFd;

use super::load::Start;
use super::{VmError, linux64, refused};

/// CR0: protection on, paging off.
const CR0_PE: u64 = 1;
/// CR0: reads as one since the 486.
const CR0_ET: u64 = 1 << 4;
/// CR0: paging on.
const CR0_PG: u64 = 1 << 31;
/// CR4: entries of eight bytes in page tables.
const CR4_PAE: u64 = 1 << 5;
/// EFER: 64-bit mode enabled, and active.
const EFER_LME: u64 = 1 << 8;
const EFER_LMA: u64 = 1 << 10;
/// RFLAGS: reads as one.
const RFLAGS_RESERVED: u64 = 1 << 1;

/// Segment types (Intel SDM volume 3, "Code- and Data-Segment Descriptor Types" and "System Descriptor Types").
const CODE_EXECUTE_READ_ACCESSED: u8 = 0xb;
const DATA_READ_WRITE_ACCESSED: u8 = 0x3;
const TSS_BUSY: u8 = 0xb;
/// Shortest task-state segment, less one.
const TSS_LIMIT: u32 = 0x67;

/// Sets them as the protocol wants.
pub(super) fn set(vcpu: &VcpuFd, start: &Start) -> Result<(), VmError> {
    let mut system = vcpu.get_sregs().map_err(refused("read the system registers"))?;
    let mut general = kvm_regs {
        rflags: RFLAGS_RESERVED,
        ..Default::default()
    };
    match *start {
        Start::Pvh { entry, start_info } => {
            set_for_pvh(&mut system);
            (general.rip, general.rbx) = (entry.0, start_info.0);
        }
        Start::Linux64 { entry, boot_params } => {
            set_for_64_bit(&mut system);
            (general.rip, general.rsi) = (entry.0, boot_params.0);
        }
    }
    vcpu.set_sregs(&system)
        .map_err(refused("set the system registers"))?;
    vcpu.set_regs(&general)
        .map_err(refused("set the general registers"))
}

fn set_for_pvh(system: &mut kvm_sregs) {
    set_segments(system, flat_segment(CODE_EXECUTE_READ_ACCESSED, 0x8), 0x10);
    system.cr0 = CR0_PE | CR0_ET;
    system.cr4 = 0;
    system.efer = 0;
}

fn set_for_64_bit(system: &mut kvm_sregs) {
    let code = kvm_segment {
        l: 1,
        db: 0,
        ..flat_segment(CODE_EXECUTE_READ_ACCESSED, 0x10)
    };
    set_segments(system, code, 0x18);
    system.gdt.base = linux64::SEGMENTS.0;
    system.gdt.limit = size_of_val(&linux64::DESCRIPTORS) as u16 - 1;
    system.cr3 = linux64::PAGE_TABLES.0;
    system.cr4 = CR4_PAE;
    system.cr0 = CR0_PE | CR0_ET | CR0_PG;
    system.efer = EFER_LME | EFER_LMA;
}

fn set_segments(system: &mut kvm_sregs, code: kvm_segment, data_selector: u16) {
    let data = flat_segment(DATA_READ_WRITE_ACCESSED, data_selector);
    system.cs = code;
    (system.ds, system.es, system.fs, system.gs, system.ss) = (data, data, data, data, data);
    system.tr = kvm_segment {
        limit: TSS_LIMIT,
        type_: TSS_BUSY,
        present: 1,
        ..Default::default()
    };
}

/// A 32-bit segment over all of the address space.
fn flat_segment(type_: u8, selector: u16) -> kvm_segment {
    kvm_segment {
        base: 0,
        limit: u32::MAX,
        selector,
        type_,
        present: 1,
        db: 1,
        s: 1,
        g: 1,
        ..Default::default()
    }
}
