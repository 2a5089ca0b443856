//! What Linux promises about memory, one fact a line.
//!
//! Addresses never appear: they are the kernel's choice. A fact about a forbidden access is told by the fate of a child.
#![no_std]
#![no_main]

mod advice;
mod files;
mod flags;
mod heap;
mod mapping;
mod pointers;
mod protection;
mod sharing;
mod unmapping;

use abi::PAGE_SIZE;
use guest_user::child::{fate_of_load, fate_of_store};
use guest_user::facts::{fact, section};
use guest_user::pages::{READ_WRITE, page, pages, private_pages, shared_pages};
use guest_user::syscall::{Errno, Outcome};
use guest_user::{Arguments, Span, program};

program!(main);

/// A number of pages that no address space holds.
const TOO_MANY_BYTES: u64 = 1 << 60;

fn main(_: Arguments) -> i32 {
    section("mmap", mapping::facts);
    section("mmap's flags", flags::facts);
    section("mprotect", protection::facts);
    section("munmap", unmapping::facts);
    section("brk", heap::facts);
    section("madvise", advice::facts);
    section("sharing", sharing::facts);
    section("pointers", pointers::facts);
    section("memory files", files::facts);
    0
}

fn outcome<T>(result: Result<T, Errno>) -> Outcome {
    result.into()
}

/// A page in the kernel's half of the address space.
#[allow(unsafe_code, reason = "names addresses that the kernel did not give")]
fn kernel_page() -> Span {
    // SAFETY: the kernel's half of the address space holds nothing of ours.
    unsafe { Span::at(abi::boot::DIRECT_MAP_BASE, PAGE_SIZE) }
}
