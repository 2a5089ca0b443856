//! The test device: what a driver can do for programs, seen from a program. `abi::testdev` describes the device, which only a kernel
//! that was told so has.
//!
//! Argument: what to try.
#![no_std]
#![no_main]

mod device;
mod files;
mod fork;
mod mapping;
mod parts;
mod private;
mod proc;

use guest_user::{Arguments, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    match arguments.get(1) {
        Some(b"files") => files::show(),
        Some(b"mapping") => mapping::show(),
        Some(b"private") => private::show(),
        Some(b"parts") => parts::show(),
        Some(b"fork") => fork::show(),
        Some(b"proc") => proc::show(),
        _ => {
            println!("usage: testdev files|mapping|private|parts|fork|proc");
            return USAGE_STATUS;
        }
    }
    device::show_counts("at the end");
    0
}
