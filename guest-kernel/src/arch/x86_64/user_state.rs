//! What a thread has in registers that the kernel itself does not use: x87 and SSE state, and the FS base.
//!
//! The kernel is compiled without floating point, so these registers hold the running thread's values while the kernel runs,
//! and are saved when another thread follows. AVX state is not saved: programs must not use it.

#![allow(unsafe_code, reason = "fxsave, fxrstor and the FS base")]

use core::arch::asm;

use abi::linux::signal::FPSTATE_BYTES;

use super::registers;
use crate::errno::Errno;

/// Offsets in it and the values with which a program starts: all exceptions masked, round to nearest.
const CONTROL_WORD: (usize, u16) = (0, 0x037f);
const MXCSR: (usize, u32) = (24, 0x1f80);
/// Offset of which bits of MXCSR the processor has, and what that is if it does not say so.
const MXCSR_MASK: (usize, u32) = (28, 0xffbf);
/// Offset of the status word.
const STATUS_WORD: usize = 2;
/// Bytes from here on are nobody's.
const END: usize = 464;

/// The area is what `fxsave` fills (Intel SDM volume 1, "FXSAVE Area").
#[repr(C, align(16))]
#[derive(Clone)]
pub(crate) struct UserState {
    fxsave: [u8; FPSTATE_BYTES],
    fs_base: u64,
}

impl UserState {
    /// What a program finds when it starts.
    pub(crate) const INITIAL: Self = {
        let mut fxsave = [0; FPSTATE_BYTES];
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
        self.load();
        registers::set_fs_base(self.fs_base);
    }

    fn load(&self) {
        // SAFETY: the area was filled by `save`, is the initial one, or was checked: MXCSR has no reserved bit set.
        unsafe {
            asm!("fxrstor64 [{}]", in(reg) self.fxsave.as_ptr(), options(readonly, nostack, preserves_flags));
        };
    }

    /// The floating-point state of the thread that runs, as the processor saves it.
    pub(crate) fn take_image(&mut self) -> [u8; FPSTATE_BYTES] {
        self.save();
        self.fxsave
    }

    /// Gives the thread that runs the floating-point state that a program made. EFAULT for one that the processor refuses.
    pub(crate) fn replace(&mut self, image: &[u8; FPSTATE_BYTES]) -> Result<(), Errno> {
        self.save();
        let mask = match read_u32(&self.fxsave, MXCSR_MASK.0) {
            0 => MXCSR_MASK.1,
            mask => mask,
        };
        if read_u32(image, MXCSR.0) & !mask != 0 {
            return Err(Errno::EFAULT);
        }
        self.fxsave[..END].copy_from_slice(&image[..END]);
        self.load();
        Ok(())
    }

    /// Gives the thread that runs the floating-point state with which a program starts.
    pub(crate) fn reset(&mut self) {
        self.fxsave = Self::INITIAL.fxsave;
        self.load();
    }

    /// What SSE instructions of the thread that runs have found and do not mask, in bits as of MXCSR.
    pub(crate) fn sse_exceptions(&mut self) -> u32 {
        self.save();
        let control = read_u32(&self.fxsave, MXCSR.0);
        control & !(control >> 7)
    }

    /// The same of x87 instructions, in the same bits.
    pub(crate) fn x87_exceptions(&mut self) -> u32 {
        self.save();
        let words = read_u32(&self.fxsave, CONTROL_WORD.0);
        const { assert!(STATUS_WORD == CONTROL_WORD.0 + 2) };
        words >> 16 & !words
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

fn read_u32(area: &[u8; FPSTATE_BYTES], offset: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&area[offset..][..4]);
    u32::from_le_bytes(word)
}

impl core::fmt::Debug for UserState {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UserState")
            .field("fs_base", &self.fs_base)
            .finish_non_exhaustive()
    }
}
