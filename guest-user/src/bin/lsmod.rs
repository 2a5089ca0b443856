//! Lists the modules that are loaded: name, bytes, how many need it, as Linux's lsmod does.
#![no_std]
#![no_main]

use guest_user::{Arguments, eprintln, lines, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
/// Longest line: name, numbers, state, address.
const LINE_BYTES: usize = 160;

fn main(arguments: Arguments) -> i32 {
    if arguments.get(1) == Some(b"--help") {
        println!("usage: lsmod");
        println!("Lists the modules that are loaded: name, bytes, how many need it.");
        return 0;
    }
    println!("{:<19} {:>8}  Used by", "Module", "Size");
    match lines::for_each::<LINE_BYTES>(c"/proc/modules", show) {
        Ok(()) => 0,
        Err(errno) => {
            eprintln!("lsmod: cannot read /proc/modules: {errno}");
            FAILURE_STATUS
        }
    }
}

fn show(line: &[u8]) {
    let mut words = str::from_utf8(line).unwrap_or("?").split(' ');
    let [name, size, users] = core::array::from_fn(|_| words.next().unwrap_or("?"));
    println!("{name:<19} {size:>8}  {users}");
}
