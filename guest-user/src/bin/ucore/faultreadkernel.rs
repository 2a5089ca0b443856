//! A load from the kernel's memory: ends with SIGSEGV.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "names an address that the kernel did not give")]

use abi::boot::{DIRECT_MAP_BASE, KERNEL_PHYS};
use guest_user::{Arguments, Span, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    println!("reads the kernel's image");
    // SAFETY: no Rust object of a program lies in the kernel's half of the address space.
    let byte = unsafe { Span::at(DIRECT_MAP_BASE + KERNEL_PHYS, 1) }.load(0);
    println!("faultreadkernel FAIL: it holds {byte:#x}");
    1
}
