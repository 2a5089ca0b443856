//! A program calls an interrupt that is the kernel's, that of page faults: ends with SIGSEGV.
//!
//! The gate's privilege level forbids it, and the exception is the one for that; a kernel that takes it for a page fault
//! would look for an error code that is not there.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "raises an interrupt")]

use core::arch::asm;

use guest_user::{Arguments, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    println!("calls interrupt 14");
    // SAFETY: a kernel that lets it pass goes on with the next instruction.
    unsafe { asm!("int 14") };
    println!("softint FAIL: still alive");
    1
}
