//! Whether a change of protection holds at once: a module stores to a page, makes it read-only, and has a function store to it. A
//! processor that goes on by the translation that it has cached lets that happen.
//!
//! The program loads and removes the module, so it can be the first one.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "ioctl may do anything to memory")]

use abi::linux::syscall::{O_RDONLY, O_RDWR};
use guest_user::syscall::{file, module};
use guest_user::{Arguments, child, println, program};

program!(main);

fn main(_: Arguments) -> i32 {
    let object = file::open(c"memory.ko", O_RDONLY).expect("open of the module");
    module::load_file(object, c"").expect("the module is loaded");
    file::close(object).expect("close of the module");
    let end = child::run(|| {
        let fd = file::open(c"/dev/module-memory", O_RDWR).expect("open of the device");
        // SAFETY: the device stores to its own memory, if at all.
        let _ = unsafe { file::ioctl(fd, 0, 0) };
    });
    println!("a store to read-only memory ends the program: {end}");
    module::remove(c"memory").expect("the module is removed");
    0
}
