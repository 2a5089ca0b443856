//! The registers with which a PVH kernel starts: 32-bit protected mode, flat segments, no paging, EBX points to
//! `hvm_start_info` (Xen's `docs/misc/pvh.pandoc`).

use kvm_bindings::{kvm_regs, kvm_segment};
use kvm_ioctls::VcpuFd;

use super::load::Loaded;
use super::{VmError, refused};

/// CR0: protection on, paging off.
const CR0_PE: u64 = 1;
/// CR0: reads as one since the 486.
const CR0_ET: u64 = 1 << 4;
/// RFLAGS: reads as one.
const RFLAGS_RESERVED: u64 = 1 << 1;

/// Segment types (Intel SDM volume 3, "Code- and Data-Segment Descriptor Types" and "System Descriptor Types").
const CODE_EXECUTE_READ_ACCESSED: u8 = 0xb;
const DATA_READ_WRITE_ACCESSED: u8 = 0x3;
const TSS_BUSY: u8 = 0xb;
/// Shortest task-state segment, less one.
const TSS_LIMIT: u32 = 0x67;

pub(super) fn set_for_pvh(vcpu: &VcpuFd, loaded: &Loaded) -> Result<(), VmError> {
    let mut system = vcpu.get_sregs().map_err(refused("read the system registers"))?;
    let data = flat_segment(DATA_READ_WRITE_ACCESSED, 0x10);
    system.cs = flat_segment(CODE_EXECUTE_READ_ACCESSED, 0x8);
    (system.ds, system.es, system.fs, system.gs, system.ss) = (data, data, data, data, data);
    system.tr = kvm_segment {
        limit: TSS_LIMIT,
        type_: TSS_BUSY,
        present: 1,
        ..Default::default()
    };
    system.cr0 = CR0_PE | CR0_ET;
    system.cr4 = 0;
    system.efer = 0;
    vcpu.set_sregs(&system)
        .map_err(refused("set the system registers"))?;

    let general = kvm_regs {
        rip: loaded.entry.0,
        rbx: loaded.start_info.0,
        rflags: RFLAGS_RESERVED,
        ..Default::default()
    };
    vcpu.set_regs(&general)
        .map_err(refused("set the general registers"))
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
