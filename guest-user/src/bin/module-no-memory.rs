//! Loads a module with each of the kernel's requests for memory failing, one at a time, and then with none.
//!
//! Arguments: the module's file and its name. Loading says that there is no memory each time, and leaves nothing behind that
//! would be in the way of the next.
#![no_std]
#![no_main]

use core::ffi::CStr;

use abi::linux::errno::ENOMEM;
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::{Errno, Outcome, file, module};
use guest_user::{Arguments, FailNth, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;
/// More than any module needs.
const MAX_REQUESTS: u32 = 1000;

fn main(arguments: Arguments) -> i32 {
    let (Some(path), Some(name)) = (arguments.c_str(1), arguments.c_str(2)) else {
        println!("usage: module-no-memory <file> <name>");
        return USAGE_STATUS;
    };
    let fail_nth = FailNth::open().expect("open of /proc/self/fail-nth");
    let fd = file::open(path, O_RDONLY).expect("open of the module");
    for nth in 1..MAX_REQUESTS {
        let (result, has_failed) = fail_nth.during(nth, || module::load_file(fd, c""));
        if !has_failed {
            return end(name, nth, result);
        }
        if result != Err(Errno(ENOMEM)) {
            println!("without request {nth}: {}", Outcome::from(result));
            return FAILURE_STATUS;
        }
    }
    println!("there is no end to the requests");
    FAILURE_STATUS
}

fn end(name: &CStr, requests: u32, result: Result<(), Errno>) -> i32 {
    println!("some requests: {}", requests > 1);
    println!("without each of them: ENOMEM");
    println!("with all of them: {}", Outcome::from(result));
    println!("removed: {}", Outcome::from(module::remove(name)));
    0
}
