//! Has the kernel run a function of this program.
//!
//! Argument: none, or `fault` for a function that reads where nothing is.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "ioctl may do anything to memory")]

use abi::linux::syscall::O_RDWR;
use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, UserFunction};
use guest_user::syscall::file;
use guest_user::{Arguments, println, program};

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
    let fd = match file::open(c"/dev/JIT", O_RDWR) {
        Ok(fd) => fd,
        Err(errno) => {
            println!("open: {errno}");
            return FAILURE_STATUS;
        }
    };
    let function = UserFunction {
        address: function.as_ptr() as u64,
        len_bytes: function.len() as u64,
    };
    // SAFETY: the device reads what it is told, and writes nothing.
    let loaded = unsafe { file::ioctl(fd, JIT_LOAD_FUNC, &raw const function as u64) };
    loaded.expect("the device takes the function over");
    // SAFETY: neither function writes to memory.
    let result = unsafe { file::ioctl(fd, JIT_EXECUTE_FUNC, 0) };
    file::close(fd).expect("close of the device");
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
