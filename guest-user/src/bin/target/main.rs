//! The target: changes its memory in every way that a shadow page table follows, and says each time what it does.
//!
//! It announces its process id and a range of addresses, and leaves an inspector two seconds after each change. What it does
//! depends on where the range is: on its stack, the stack grows into it; everywhere else the break is moved into it and back,
//! if nothing is in between, and then the range is mapped, used and unmapped.
#![no_std]
#![no_main]

mod heap;
mod mapping;
mod stack;

use core::fmt;
use core::time::Duration;

use abi::PAGE_SIZE;
use guest_user::syscall::process;
use guest_user::syscall::time::sleep;
use guest_user::{Arguments, Span, parse_number, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;
/// Pages of the range.
const PAGES: u64 = 8;
/// Where the range is if nobody says: above the program and within reach of its break.
const USUAL_ADDRESS: u64 = 0x80_0000;
/// How long an inspector has to look.
const PAUSE: Duration = Duration::from_secs(2);

fn main(arguments: Arguments) -> i32 {
    let mut address = USUAL_ADDRESS;
    let mut tells_pid = true;
    for argument in arguments.iter().skip(1) {
        match (argument, parse_number(argument)) {
            (b"--quiet-pid", _) => tells_pid = false,
            (_, Some(number)) if number.is_multiple_of(PAGE_SIZE) => address = number,
            _ => {
                println!("usage: target [--quiet-pid] [<address of a page>]");
                println!("Without an address the range begins at {USUAL_ADDRESS:#x}.");
                return if argument == b"--help" { 0 } else { USAGE_STATUS };
            }
        }
    }
    let range = at(address);
    if tells_pid {
        println!("target: process {}", process::process_id());
    }
    println!("target: range {:#x} {:#x}", address, range.end());
    pause();
    if stack::holds(range) {
        stack::changes(range);
    } else {
        heap::changes(range);
        mapping::changes(range);
    }
    println!("target: exit");
    0
}

#[allow(unsafe_code, reason = "the range is one that the user chooses")]
fn at(address: u64) -> Span {
    // SAFETY: it is mapped only where nothing is, and used only when it is mapped, or is a stack's that no frame has reached.
    unsafe { Span::at(address, PAGES * PAGE_SIZE) }
}

/// Does something, says so, and waits.
fn step(what: impl fmt::Display, change: impl FnOnce()) {
    change();
    println!("target: {what}");
    pause();
}

fn pause() {
    sleep(PAUSE);
}

/// Page number `index` of the range.
fn page(range: Span, index: u64) -> Span {
    range.part(index * PAGE_SIZE, PAGE_SIZE)
}
