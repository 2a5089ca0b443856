//! Has the kernel run a function of this program.
//!
//! Argument: none, or `fault` for a function that reads where nothing is.
#![no_std]
#![no_main]

use guest_user::{Arguments, Jit, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;

/// `mov eax, 42` and `ret`.
static FORTY_TWO: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];
/// `xor eax, eax`, `mov eax, [rax]` and `ret`.
static FAULTS: [u8; 5] = [0x31, 0xc0, 0x8b, 0x00, 0xc3];

fn main(arguments: Arguments) -> i32 {
    let function: &[u8] = match arguments.get(1) {
        None => &FORTY_TWO,
        Some(b"fault") => &FAULTS,
        Some(_) => {
            println!("usage: test-jit [fault]");
            return USAGE_STATUS;
        }
    };
    let device = match Jit::open() {
        Ok(device) => device,
        Err(errno) => {
            println!("open: {errno}");
            return FAILURE_STATUS;
        }
    };
    device.load(function).expect("the device takes the function over");
    let result = device.execute();
    device.close();
    match result {
        Ok(42) => {
            println!("Result is 42, success!");
            0
        }
        Ok(other) => {
            println!("Failed, result is {other}");
            FAILURE_STATUS
        }
        Err(errno) => {
            println!("Failed: {errno}");
            FAILURE_STATUS
        }
    }
}
