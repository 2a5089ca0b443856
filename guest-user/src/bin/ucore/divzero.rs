//! A division by zero: ends with SIGFPE.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "Rust would check for the zero first")]

use core::arch::asm;

use guest_user::{Arguments, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    println!("divides 1 by 0");
    let quotient: u64;
    // SAFETY: the division changes RAX and RDX alone, should it succeed.
    unsafe {
        asm!(
            "div {}",
            in(reg) 0_u64,
            inout("rax") 1_u64 => quotient,
            inout("rdx") 0_u64 => _,
            options(nomem, nostack),
        );
    }
    println!("divzero FAIL: the quotient is {quotient}");
    1
}
