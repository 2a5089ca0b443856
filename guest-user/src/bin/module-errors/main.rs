//! What the devices of modules say to lengths, offsets, pointers and requests that make no sense: one line a case.
//!
//! Argument: the device.
#![no_std]
#![no_main]

mod case;
mod jit;
mod lent;
mod mapping;
mod proc;

use abi::samples::{KMMAP_PAGES, VMMAP_PAGES};
use guest_user::{Arguments, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    match arguments.get(1) {
        Some(b"kmmap") => mapping::show_device(c"/dev/kmmap", KMMAP_PAGES),
        Some(b"vmmap") => mapping::show_device(c"/dev/vmmap", VMMAP_PAGES),
        Some(b"memory") => lent::show_device(),
        Some(b"proc-mmap") => proc::show_file(),
        Some(b"kernel-jit") => jit::show_device(),
        _ => {
            println!("usage: module-errors kmmap|vmmap|memory|proc-mmap|kernel-jit");
            return USAGE_STATUS;
        }
    }
    0
}
