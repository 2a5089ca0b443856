//! A store to private memory after fork, of which nothing is printed: only who has which frame while the program runs tells whether
//! the child stored to memory of its own.
#![no_std]
#![no_main]

use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::syscall::time;
use guest_user::{Arguments, Span, child, println, program};

program!(main);

const PAGES: u64 = 4;

fn main(_: Arguments) -> i32 {
    let memory = Span::map(PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    for page in 0..PAGES {
        memory.store(page * PAGE_SIZE, b'x');
    }
    let status = child::run(|| {
        memory.protect(PROT_READ).expect("mprotect");
        memory.protect(PROT_READ | PROT_WRITE).expect("mprotect");
        memory.store(PAGE_SIZE, b'y');
        // The parent waits, so the kernel has nobody to go on with.
        time::sleep(Duration::from_millis(1));
    });
    println!("the child ended: {status}");
    0
}
