//! A load from address 0: ends with SIGSEGV.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "names an address that the kernel did not give")]

use guest_user::{Arguments, Span, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    println!("reads address 0");
    // SAFETY: no Rust object lies there.
    let byte = unsafe { Span::at(0, 1) }.load(0);
    println!("faultread FAIL: it holds {byte:#x}");
    1
}
