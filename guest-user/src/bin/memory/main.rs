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
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
use guest_user::facts::{fact, section};
use guest_user::syscall::process::WaitStatus;
use guest_user::syscall::{Errno, Outcome};
use guest_user::{Arguments, Span, child, program};

program!(main);

/// A number of pages that no address space holds.
const TOO_MANY_BYTES: u64 = 1 << 60;
const READ_WRITE: u64 = PROT_READ | PROT_WRITE;

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

/// How a child ends that loads the byte at `offset_bytes` in the span.
fn fate_of_load(span: Span, offset_bytes: u64) -> WaitStatus {
    child::run(|| {
        let _ = span.load(offset_bytes);
    })
}

/// How a child ends that stores 1 at `offset_bytes` in the span.
fn fate_of_store(span: Span, offset_bytes: u64) -> WaitStatus {
    child::run(|| span.store(offset_bytes, 1))
}

/// New private memory, readable and writable.
fn private_pages(pages: u64) -> Span {
    Span::map(pages * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap of private memory")
}

/// New shared memory, readable and writable.
fn shared_pages(pages: u64) -> Span {
    Span::map(pages * PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap of shared memory")
}

/// Page number `index` of the span.
fn page(span: Span, index: u64) -> Span {
    span.part(index * PAGE_SIZE, PAGE_SIZE)
}

/// The part of the span that begins and ends with these pages.
fn pages(span: Span, first: u64, count: u64) -> Span {
    span.part(first * PAGE_SIZE, count * PAGE_SIZE)
}

/// A page in the kernel's half of the address space.
#[allow(unsafe_code, reason = "names addresses that the kernel did not give")]
fn kernel_page() -> Span {
    // SAFETY: the kernel's half of the address space holds nothing of ours.
    unsafe { Span::at(abi::boot::DIRECT_MAP_BASE, PAGE_SIZE) }
}
