//! An inspection from beginning to end: starts a target and an inspector that looks at it, and ends the inspector when the
//! target has ended.
//!
//! Arguments: the address of the range, or `--base` and the number of the first call, for the inspector.
#![no_std]
#![no_main]
#![allow(unsafe_code, reason = "execve takes an array of pointers")]

use core::ffi::CStr;
use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::process::SIGINT;
use guest_user::syscall::process::{self, WaitOutcome};
use guest_user::syscall::shadowpt::ShadowPt;
use guest_user::syscall::time::sleep;
use guest_user::{Arguments, Text, child, parse_number, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;
/// The target's range: what it takes by itself, and how long it is.
const USUAL_ADDRESS: u64 = 0x80_0000;
const RANGE_BYTES: u64 = 8 * PAGE_SIZE;
/// Puts the seconds of the inspector between the changes of the target.
const OFFSET: Duration = Duration::from_millis(500);

fn main(arguments: Arguments) -> i32 {
    let mut address = USUAL_ADDRESS;
    let mut base = ShadowPt::of_this_kernel(arguments).base();
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        let (is_base, number) = match argument {
            b"--base" => (true, rest.next().and_then(parse_number)),
            address => (false, parse_number(address)),
        };
        match number {
            Some(number) if is_base => base = number,
            Some(number) => address = number,
            None => {
                println!("usage: inspection [--base N] [<address>]");
                return USAGE_STATUS;
            }
        }
    }
    let target = child::start(|| {
        let address = Text::<NUMBER_ROOM>::of(address);
        exec(c"target", &[c"--quiet-pid", address.as_c_str()]);
    });
    sleep(OFFSET);
    let inspector = child::start(|| {
        let numbers = [base, target as u64, address, address + RANGE_BYTES].map(Text::<NUMBER_ROOM>::of);
        let [base, pid, start, end] = numbers.each_ref().map(Text::as_c_str);
        exec(
            c"inspector",
            &[c"--names", c"--changes", c"--base", base, pid, start, end],
        );
    });
    let target = process::wait(target, 0);
    // So that it sees that nothing is left.
    sleep(Duration::from_secs(1));
    process::kill(inspector, SIGINT.into()).expect("kill");
    let inspector = process::wait(inspector, 0);
    println!("the target: {}", WaitOutcome(target));
    println!("the inspector: {}", WaitOutcome(inspector));
    0
}

/// A number has at most 20 digits.
const NUMBER_ROOM: usize = 24;
/// Most arguments of a program, its name and the null pointer at the end included.
const MAX_ARGUMENTS: usize = 10;

/// In a child.
fn exec(program: &CStr, arguments: &[&CStr]) {
    let mut argv = [core::ptr::null(); MAX_ARGUMENTS];
    argv[0] = program.as_ptr();
    for (place, argument) in argv[1..].iter_mut().zip(arguments) {
        *place = argument.as_ptr();
    }
    // SAFETY: strings that live as long as this function, and a null pointer, for there are fewer than `argv` has room for.
    let errno = unsafe { process::execve(program, &argv) };
    panic!("execve: {errno}");
}
