//! I/O ports.

#![allow(unsafe_code, reason = "in and out")]

use core::arch::asm;

pub(crate) fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: reading a port of the platform's serial console has no effect on memory.
    unsafe { asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags)) };
    value
}

pub(crate) fn write_u8(port: u16, value: u8) {
    // SAFETY: no device that the kernel talks to through ports masters the bus, so memory is not affected.
    unsafe { asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags)) };
}

pub(crate) fn read_u32(port: u16) -> u32 {
    let value;
    // SAFETY: as in `read_u8`.
    unsafe { asm!("in eax, dx", in("dx") port, out("eax") value, options(nomem, nostack, preserves_flags)) };
    value
}

/// The device may read memory that the value points to, so everything written before is visible to it.
pub(crate) fn write_u32(port: u16, value: u32) {
    // SAFETY: the device only reads memory; without `nomem` the compiler completes earlier stores first.
    unsafe { asm!("out dx, eax", in("dx") port, in("eax") value, options(nostack, preserves_flags)) };
}

/// Writes each byte in turn to the same port.
pub(crate) fn write_u8_string(port: u16, bytes: &[u8]) {
    // SAFETY: reads `bytes.len()` bytes from a live slice; the direction flag is clear in the kernel.
    unsafe {
        asm!("rep outsb", in("dx") port, inout("rsi") bytes.as_ptr() => _, inout("rcx") bytes.len() => _,
            options(readonly, nostack, preserves_flags));
    }
}
