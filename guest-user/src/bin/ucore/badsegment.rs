//! A segment register is loaded with a selector of no segment: ends with SIGSEGV.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "loads a segment register")]

use core::arch::asm;

use guest_user::{Arguments, println, program};

program!(main);

/// The last entry of a descriptor table that is as long as one can be, which no kernel's is.
const SELECTOR: u16 = 0xfffb;

fn main(_: Arguments) -> i32 {
    println!("loads DS with {SELECTOR:#x}");
    // SAFETY: in 64-bit mode DS plays no part in memory accesses, should the load succeed.
    unsafe { asm!("mov ds, {:x}", in(reg) SELECTOR, options(nostack, preserves_flags)) };
    println!("badsegment FAIL: still alive");
    1
}
