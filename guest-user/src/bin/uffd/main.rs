//! Page faults that a program serves, one fact a line. The argument says which facts.
//!
//! A thread that touches a page is one of ours, so what it does is known when its fault is told of: it waits. What cannot be
//! told from inside is told by the fate of a child.
#![no_std]
#![no_main]

mod api;
mod copy;
mod ends;
mod faults;
mod fork;
mod kernel;
mod memory;
mod register;
mod server;
mod swap;
mod write_protect;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::facts::fact;
use guest_user::syscall::{Errno, Outcome};
use guest_user::{Arguments, Span, eprintln, println, program};

program!(main);

const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

fn main(arguments: Arguments) -> i32 {
    let facts = match arguments.get(1) {
        Some(b"api") => api::facts,
        Some(b"register") => register::facts,
        Some(b"copy") => copy::facts,
        Some(b"faults") => faults::facts,
        Some(b"kernel") => kernel::facts,
        Some(b"write-protect") => write_protect::facts,
        Some(b"fork") => fork::facts,
        Some(b"ends") => ends::facts,
        Some(b"swap") => swap::facts,
        _ => {
            eprintln!("which facts? api, register, copy, faults, kernel, write-protect, fork, ends, swap");
            return 2;
        }
    };
    facts();
    0
}

fn outcome<T>(result: Result<T, Errno>) -> Outcome {
    result.into()
}

/// A fact about a request that answers with a number, too.
fn answered(what: &str, (result, answer): (Result<(), Errno>, i64)) {
    fact(what, format_args!("{}, answer {answer}", outcome(result)));
}

/// New private memory that nobody has touched.
fn pages(count: u64) -> Span {
    Span::map(count * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap")
}

/// Page number `index` of the span.
fn page(span: Span, index: u64) -> Span {
    span.part(index * PAGE_SIZE, PAGE_SIZE)
}

/// Memory at any address.
#[allow(unsafe_code, reason = "names addresses that the kernel did not give")]
fn at(address: u64, len_bytes: u64) -> Span {
    // SAFETY: requests are refused there, and nothing is loaded or stored through it.
    unsafe { Span::at(address, len_bytes) }
}
