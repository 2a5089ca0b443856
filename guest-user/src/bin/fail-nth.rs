//! What becomes of a process when a request for memory fails inside the kernel: each request of each operation, one at a time.
//!
//! An operation is tried in a child with its first request failing, then with its second one, and so on until it makes no
//! more. It says that there is no memory or goes on without; it does the same again afterwards, successfully; and an access
//! to memory that cannot be had ends the process.
#![no_std]
#![no_main]
#![allow(
    unsafe_code,
    reason = "execve takes an array of pointers, and memory moves to an address that the kernel did not give"
)]

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::linux::errno::{EINVAL, ENOMEM};
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ, PROT_WRITE};
use abi::linux::process::{SIGKILL, WAIT_EXIT_SHIFT};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::process::{self, Fork};
use guest_user::syscall::{Errno, file};
use guest_user::{Arguments, FailNth, Span, child, println, program, thread};

program!(main);

/// Exit status for a kernel that cannot do this.
const UNSUPPORTED_STATUS: i32 = 2;
/// Argument of the program that execve starts: it says whether a request has failed on the way.
const EXECUTED: &CStr = c"executed";
/// More than any operation needs.
const MAX_REQUESTS: u32 = 1000;
/// More areas than a process usually has.
const MANY: u64 = 60;
/// Pages that one last-level table does not hold.
const MOVING: u64 = 600;
/// An address near which nothing is.
const FAR_AWAY: u64 = 0x5000_0000_0000;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

/// How an attempt ended, as the child's exit status.
const DONE: u32 = 0;
const DONE_WITHOUT: u32 = 1;
const TOLD: u32 = 2;
const TOLD_OTHERWISE: u32 = 3;
const NOT_AGAIN: u32 = 4;
const FAILED_BY_ITSELF: u32 = 5;

fn main(arguments: Arguments) -> i32 {
    // After an execve the request that fails may be one for the open file.
    let opened = FailNth::open().or_else(|errno| match errno {
        Errno(ENOMEM) => FailNth::open(),
        other => Err(other),
    });
    let fail_nth = match opened {
        Ok(fail_nth) => fail_nth,
        Err(errno) => {
            println!("fail-nth: this kernel has no /proc/self/fail-nth: {errno}");
            return UNSUPPORTED_STATUS;
        }
    };
    if arguments.get(1) == Some(EXECUTED.to_bytes()) {
        let is_first_try = fail_nth.left().expect("read") != 0;
        return if is_first_try { DONE } else { TOLD } as i32;
    }
    countdown(fail_nth);
    let path = arguments.c_str(0).expect("a program has a name");
    let each = |what, operation: &dyn Fn() -> Result<(), Errno>| {
        each_request(what, fail_nth, operation);
    };
    each("nothing", &|| Ok(()));
    each("a first store", &|| {
        Span::map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE)?.store(0, 1);
        Ok(())
    });
    each("a first store to shared memory", &|| {
        Span::map(PAGE_SIZE, READ_WRITE, MAP_SHARED)?.store(0, 1);
        Ok(())
    });
    each("many areas", &many_areas);
    let moving = touched_at_both_ends();
    each("mremap", &|| moved(moving));
    each("mlock", &|| {
        let memory = Span::map(3 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE)?;
        memory.part(PAGE_SIZE, PAGE_SIZE).lock().map(drop)
    });
    each("fork", &forking);
    each("a thread", &|| {
        thread::spawn(|| {})?.join();
        Ok(())
    });
    each("reading /proc/self/maps", &|| {
        let fd = file::open(c"/proc/self/maps", O_RDONLY)?;
        let result = file::read(fd, &mut [0; 8]);
        file::close(fd)?;
        result.map(drop)
    });
    each("execve", &|| {
        let argv = [path.as_ptr(), EXECUTED.as_ptr(), core::ptr::null()];
        // SAFETY: two strings and a null pointer.
        Err(unsafe { process::execve(path, &argv) })
    });
    0
}

/// The file itself.
fn countdown(fail_nth: FailNth) {
    println!("at first: {:?}", fail_nth.left());
    fail_nth.set(1000).expect("write");
    println!("what was written: {:?}", fail_nth.left());
    let status = child::run(|| {
        let own = fail_nth.left().expect("read");
        process::exit(own as i32)
    });
    println!("a child's own: {status}");
    let left = fail_nth.left().expect("read");
    println!("fork has counted: {}", left < 1000);
    fail_nth.set(0).expect("write");
    println!("switched off: {:?}", fail_nth.left());
}

fn each_request(what: &str, fail_nth: FailNth, operation: &dyn Fn() -> Result<(), Errno>) {
    let mut found = [false; 7];
    const KILLED: usize = 6;
    for nth in 1..MAX_REQUESTS {
        let status = child::run(|| process::exit(attempt(nth, fail_nth, operation) as i32));
        let outcome = match status.0 {
            SIGKILL => KILLED,
            other => (other >> WAIT_EXIT_SHIFT) as usize,
        };
        found[outcome.min(FAILED_BY_ITSELF as usize)] |= outcome != KILLED;
        found[KILLED] |= outcome == KILLED;
        if outcome == DONE as usize || outcome == FAILED_BY_ITSELF as usize {
            break;
        }
    }
    println!("{what}");
    for (was_found, text) in found.into_iter().zip([
        "is done in the end",
        "is done without what it asked for",
        "says ENOMEM, and is done when it is tried again",
        "says something else",
        "says ENOMEM, and cannot be done again",
        "fails by itself",
        "is ended for want of memory",
    ]) {
        if was_found {
            println!("  {text}");
        }
    }
}

/// In a child.
fn attempt(nth: u32, fail_nth: FailNth, operation: &dyn Fn() -> Result<(), Errno>) -> u32 {
    let (result, has_failed) = fail_nth.during(nth, operation);
    match result {
        Ok(()) if has_failed => DONE_WITHOUT,
        Ok(()) => DONE,
        Err(_) if !has_failed => FAILED_BY_ITSELF,
        Err(Errno(ENOMEM)) if operation().is_ok() => TOLD,
        Err(Errno(ENOMEM)) => NOT_AGAIN,
        Err(_) => TOLD_OTHERWISE,
    }
}

/// Neighbours that differ, so that none become one, and a hole in each, so that one becomes two.
fn many_areas() -> Result<(), Errno> {
    let memory = Span::map(MANY * 3 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE)?;
    for index in 0..MANY {
        memory.part((index * 3 + 1) * PAGE_SIZE, PAGE_SIZE).unmap()?;
        memory.part(index * 3 * PAGE_SIZE, PAGE_SIZE).protect(PROT_READ)?;
    }
    memory.unmap().map(drop)
}

/// Memory whose entries are in two tables at least.
fn touched_at_both_ends() -> Span {
    let memory = Span::map(MOVING * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap");
    memory.store(0, 1);
    memory.store(memory.len_bytes() - 1, 2);
    memory
}

/// Moves pages to where there are no tables for them.
fn moved(memory: Span) -> Result<(), Errno> {
    // SAFETY: no Rust object lies there.
    let elsewhere = unsafe { Span::at(FAR_AWAY, memory.len_bytes()) };
    let new = memory.remap(memory.len_bytes(), MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere)?;
    let ends = [new.load(0), new.load(memory.len_bytes() - 1)];
    if ends == [1, 2] {
        Ok(())
    } else {
        Err(Errno(EINVAL))
    }
}

fn forking() -> Result<(), Errno> {
    match process::fork()? {
        Fork::Child => process::exit(0),
        Fork::Parent(child) => process::wait(child, 0).map(drop),
    }
}
