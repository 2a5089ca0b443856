//! Loads a module and removes it again, many times. Arguments: the module's file, its name, how often.
#![no_std]
#![no_main]

use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::{file, module};
use guest_user::{Arguments, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let times = arguments
        .get(3)
        .and_then(|text| str::from_utf8(text).ok()?.parse::<u32>().ok());
    let (Some(path), Some(name), Some(times)) = (arguments.c_str(1), arguments.c_str(2), times) else {
        println!("usage: module-cycles <file> <name> <times>");
        return USAGE_STATUS;
    };
    let fd = file::open(path, O_RDONLY).expect("open of the module");
    for _ in 0..times {
        module::load_file(fd, c"").expect("finit_module");
        module::remove(name).expect("delete_module");
    }
    println!("loaded and removed {times} times");
    0
}
