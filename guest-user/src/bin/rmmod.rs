//! Removes a module from the kernel.
#![no_std]
#![no_main]

use abi::linux::errno::{EBUSY, ENOENT, EPERM};
use guest_user::syscall::{Errno, module};
use guest_user::{Arguments, eprintln, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let Some(name) = arguments.c_str(1) else {
        eprintln!("rmmod: which module? Try rmmod --help");
        return USAGE_STATUS;
    };
    if name == c"--help" {
        println!("usage: rmmod NAME");
        println!("Removes the module NAME from the kernel. lsmod says which there are.");
        return 0;
    }
    match module::remove(name) {
        Ok(()) => 0,
        Err(errno) => {
            let name = name.to_bytes().escape_ascii();
            eprintln!("rmmod: cannot remove {name}: {errno}: {}", meaning(errno));
            FAILURE_STATUS
        }
    }
}

fn meaning(Errno(errno): Errno) -> &'static str {
    match errno {
        EPERM => "only the superuser may",
        ENOENT => "no module of that name is loaded",
        EBUSY => "it is in use",
        _ => "the kernel's log says more",
    }
}
