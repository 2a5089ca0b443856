//! What a thread has in registers that the kernel itself does not use: x87 and SSE state, and the FS base.
//!
//! The kernel is compiled without floating point, so these registers hold the running thread's values while the kernel runs,
//! and are saved when another thread follows. AVX state is not saved: programs must not use it.

#![allow(unsafe_code, reason = "fxsave, fxrstor and the FS base")]

use core::arch::asm;

use super::registers;

/// Bytes of the area that `fxsave` fills (Intel SDM volume 1, "FXSAVE Area").
const FXSAVE_BYTES: usize = 512;
/// Offsets in it and the values with which a program starts: all exceptions masked, round to nearest.
const CONTROL_WORD: (usize, u16) = (0, 0x037f);
const MXCSR: (usize, u32) = (24, 0x1f80);

#[repr(C, align(16))]
#[derive(Clone)]
pub(crate) struct UserState {
    fxsave: [u8; FXSAVE_BYTES],
    fs_base: u64,
}

impl UserState {
    /// What a program finds when it starts.
    pub(crate) const INITIAL: Self = {
        let mut fxsave = [0; FXSAVE_BYTES];
        let control_word = CONTROL_WORD.1.to_le_bytes();
        let mxcsr = MXCSR.1.to_le_bytes();
        let mut index = 0;
        while index < control_word.len() {
            fxsave[CONTROL_WORD.0 + index] = control_word[index];
            index += 1;
        }
        index = 0;
        while index < mxcsr.len() {
            fxsave[MXCSR.0 + index] = mxcsr[index];
            index += 1;
        }
        Self { fxsave, fs_base: 0 }
    };

    /// Takes the floating-point state out of the processor.
    pub(crate) fn save(&mut self) {
        // SAFETY: writes the 512 bytes of the area, which is aligned to 16.
        unsafe { asm!("fxsave64 [{}]", in(reg) self.fxsave.as_mut_ptr(), options(nostack, preserves_flags)) };
    }

    /// Puts floating-point state and FS base into the processor.
    pub(crate) fn restore(&self) {
        // SAFETY: the area was filled by `save`, or is the initial one: MXCSR has no reserved bit set.
        unsafe {
            asm!("fxrstor64 [{}]", in(reg) self.fxsave.as_ptr(), options(readonly, nostack, preserves_flags));
        };
        registers::set_fs_base(self.fs_base);
    }

    pub(crate) fn fs_base(&self) -> u64 {
        self.fs_base
    }

    /// For the thread that runs: takes effect at once.
    pub(crate) fn set_fs_base(&mut self, base: u64) {
        self.fs_base = base;
        registers::set_fs_base(base);
    }

    /// For a thread that does not run yet.
    pub(crate) fn with_fs_base(self, fs_base: u64) -> Self {
        Self { fs_base, ..self }
    }
}

impl core::fmt::Debug for UserState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UserState")
            .field("fs_base", &self.fs_base)
            .finish_non_exhaustive()
    }
}
