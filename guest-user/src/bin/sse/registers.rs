//! The SSE registers as a value.
//!
//! Programs here are compiled for a target without SSE: no instruction but the ones in this file touches the registers, so
//! what is in them stays until somebody else's code, which can only be the kernel's, changes it.
#![allow(unsafe_code, reason = "moves registers that the compiler does not know")]

use core::arch::asm;

/// XMM0 to XMM15, and MXCSR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Registers {
    xmm: [u128; 16],
    mxcsr: u32,
}

/// All exceptions masked, round to nearest.
const MXCSR_INITIAL: u32 = 0x1f80;
/// Position of the rounding mode in MXCSR, two bits.
const MXCSR_ROUNDING_SHIFT: u32 = 13;

impl Registers {
    /// What a program begins with.
    pub(crate) const INITIAL: Self = Self {
        xmm: [0; 16],
        mxcsr: MXCSR_INITIAL,
    };

    /// Values that no other party, round or register has; MXCSR has only four to choose from.
    pub(crate) fn of(party: u64, round: u64) -> Self {
        let mut xmm = [0; 16];
        for (number, register) in (0_u128..).zip(&mut xmm) {
            *register = u128::from(party + 1) << 96 | u128::from(round) << 32 | number;
        }
        Self {
            xmm,
            mxcsr: MXCSR_INITIAL | (party as u32 & 3) << MXCSR_ROUNDING_SHIFT,
        }
    }

    /// Fills the registers.
    pub(crate) fn write(&self) {
        // SAFETY: the instruction reads the word; reserved bits of MXCSR are 0 in every value that this type makes.
        unsafe {
            asm!("ldmxcsr dword ptr [{}]", in(reg) &raw const self.mxcsr, options(nostack, preserves_flags));
        };
        // SAFETY: the instructions read the sixteen values and change registers that no compiled code here uses.
        unsafe {
            asm!(
                "movups xmm0, [{at}]",
                "movups xmm1, [{at} + 0x10]",
                "movups xmm2, [{at} + 0x20]",
                "movups xmm3, [{at} + 0x30]",
                "movups xmm4, [{at} + 0x40]",
                "movups xmm5, [{at} + 0x50]",
                "movups xmm6, [{at} + 0x60]",
                "movups xmm7, [{at} + 0x70]",
                "movups xmm8, [{at} + 0x80]",
                "movups xmm9, [{at} + 0x90]",
                "movups xmm10, [{at} + 0xa0]",
                "movups xmm11, [{at} + 0xb0]",
                "movups xmm12, [{at} + 0xc0]",
                "movups xmm13, [{at} + 0xd0]",
                "movups xmm14, [{at} + 0xe0]",
                "movups xmm15, [{at} + 0xf0]",
                at = in(reg) &raw const self.xmm,
                options(nostack, preserves_flags),
            );
        }
    }

    /// What the registers hold.
    pub(crate) fn read() -> Self {
        let mut registers = Self {
            xmm: [0; 16],
            mxcsr: 0,
        };
        // SAFETY: the instruction writes the word.
        unsafe {
            asm!("stmxcsr dword ptr [{}]", in(reg) &raw mut registers.mxcsr, options(nostack, preserves_flags));
        };
        // SAFETY: the instructions write the sixteen values.
        unsafe {
            asm!(
                "movups [{at}], xmm0",
                "movups [{at} + 0x10], xmm1",
                "movups [{at} + 0x20], xmm2",
                "movups [{at} + 0x30], xmm3",
                "movups [{at} + 0x40], xmm4",
                "movups [{at} + 0x50], xmm5",
                "movups [{at} + 0x60], xmm6",
                "movups [{at} + 0x70], xmm7",
                "movups [{at} + 0x80], xmm8",
                "movups [{at} + 0x90], xmm9",
                "movups [{at} + 0xa0], xmm10",
                "movups [{at} + 0xb0], xmm11",
                "movups [{at} + 0xc0], xmm12",
                "movups [{at} + 0xd0], xmm13",
                "movups [{at} + 0xe0], xmm14",
                "movups [{at} + 0xf0], xmm15",
                at = in(reg) &raw mut registers.xmm,
                options(nostack, preserves_flags),
            );
        }
        registers
    }
}
