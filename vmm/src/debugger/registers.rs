//! The processor's registers as gdb has them, and back.

use gdbstub_arch::x86::reg::{X86_64CoreRegs, X86SegmentRegs, X87FpuInternalRegs};
use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};

use crate::vm::Registers;

/// Both bits for each register of the stack of floating-point numbers that holds nothing.
const EMPTY: u32 = 0b11;

/// The registers cannot be set so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RegisterError {
    /// KVM takes no general registers before an access to a device is finished.
    #[error(
        "general registers cannot be set here, in the middle of an access to a device: go on to a breakpoint in the kernel"
    )]
    InAccess,
    /// Those of floating-point numbers can be read only.
    #[error("floating-point registers can be read, and not set")]
    FloatingPoint,
}

/// As gdb has them.
pub(super) fn of(registers: &Registers) -> X86_64CoreRegs {
    let Registers {
        mut general,
        mut system,
        floating,
        in_access: _,
    } = registers.clone();
    let selectors = segments(&mut system).map(|segment| u32::from(segment.selector));
    let [cs, ss, ds, es, fs, gs] = selectors;
    X86_64CoreRegs {
        regs: numbered(&mut general).map(|register| *register),
        // The upper half of RFLAGS is reserved.
        eflags: general.rflags as u32,
        rip: general.rip,
        segments: X86SegmentRegs {
            cs,
            ss,
            ds,
            es,
            fs,
            gs,
        },
        st: floating
            .fpr
            .map(|register| *register.first_chunk().expect("ten bytes of sixteen")),
        fpu: X87FpuInternalRegs {
            fctrl: floating.fcw.into(),
            fstat: floating.fsw.into(),
            ftag: tags(floating.ftwx),
            fiseg: (floating.last_ip >> 32) as u32,
            fioff: floating.last_ip as u32,
            foseg: (floating.last_dp >> 32) as u32,
            fooff: floating.last_dp as u32,
            fop: floating.last_opcode.into(),
        },
        xmm: floating.xmm.map(u128::from_le_bytes),
        mxcsr: floating.mxcsr,
    }
}

/// Makes them those of gdb.
pub(super) fn set(registers: &mut Registers, wanted: &X86_64CoreRegs) -> Result<(), RegisterError> {
    let current = of(registers);
    if (current.st, &current.fpu, current.xmm, current.mxcsr)
        != (wanted.st, &wanted.fpu, wanted.xmm, wanted.mxcsr)
    {
        return Err(RegisterError::FloatingPoint);
    }
    let general_differ =
        (current.regs, current.rip, current.eflags) != (wanted.regs, wanted.rip, wanted.eflags);
    if general_differ && registers.in_access {
        return Err(RegisterError::InAccess);
    }
    for (register, value) in numbered(&mut registers.general).into_iter().zip(wanted.regs) {
        *register = value;
    }
    registers.general.rip = wanted.rip;
    registers.general.rflags = wanted.eflags.into();
    let X86SegmentRegs {
        cs,
        ss,
        ds,
        es,
        fs,
        gs,
    } = wanted.segments;
    for (segment, selector) in segments(&mut registers.system)
        .into_iter()
        .zip([cs, ss, ds, es, fs, gs])
    {
        // What the processor has loaded for a selector stays.
        segment.selector = selector as u16;
    }
    Ok(())
}

/// The general registers in the order that gdb has for them.
fn numbered(general: &mut kvm_regs) -> [&mut u64; 16] {
    [
        &mut general.rax,
        &mut general.rbx,
        &mut general.rcx,
        &mut general.rdx,
        &mut general.rsi,
        &mut general.rdi,
        &mut general.rbp,
        &mut general.rsp,
        &mut general.r8,
        &mut general.r9,
        &mut general.r10,
        &mut general.r11,
        &mut general.r12,
        &mut general.r13,
        &mut general.r14,
        &mut general.r15,
    ]
}

/// The same for segments.
fn segments(system: &mut kvm_sregs) -> [&mut kvm_segment; 6] {
    [
        &mut system.cs,
        &mut system.ss,
        &mut system.ds,
        &mut system.es,
        &mut system.fs,
        &mut system.gs,
    ]
}

/// Two bits for each floating-point register, of one that says whether it holds something.
fn tags(used: u8) -> u32 {
    let empty = (0..8).filter(|number| used >> number & 1 == 0);
    empty.map(|number| EMPTY << (2 * number)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gdb_sets_it_reads_and_nothing_else_changes() {
        let mut registers = Registers::default();
        let mut wanted = of(&registers);
        wanted.regs = std::array::from_fn(|number| number as u64 + 1);
        wanted.rip = 0xffff_ffff_8020_0000;
        wanted.eflags = 0x202;
        wanted.segments.fs = 0x23;
        set(&mut registers, &wanted).unwrap();
        assert_eq!(of(&registers), wanted);
        assert_eq!((registers.general.rax, registers.general.r15), (1, 16));
        assert_eq!(registers.general.rsp, 8);
        assert_eq!(registers.system.fs.base, 0);
    }

    #[test]
    fn general_registers_stay_while_an_access_is_under_way_and_floating_point_ones_always() {
        let mut registers = Registers {
            in_access: true,
            ..Registers::default()
        };
        let before = of(&registers);
        assert_eq!(set(&mut registers, &before), Ok(()));
        let mut wanted = before.clone();
        wanted.rip = 1;
        assert_eq!(set(&mut registers, &wanted), Err(RegisterError::InAccess));
        registers.in_access = false;
        assert_eq!(set(&mut registers, &wanted), Ok(()));
        wanted.xmm[3] = 7;
        assert_eq!(set(&mut registers, &wanted), Err(RegisterError::FloatingPoint));
        assert_eq!(of(&registers).xmm[3], 0);
    }

    #[test]
    fn a_register_that_holds_nothing_has_both_bits() {
        assert_eq!([tags(0), tags(0xff), tags(0b10)], [0xffff, 0, 0xfff3]);
    }
}
