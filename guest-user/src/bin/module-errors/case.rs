//! What all devices are asked.
#![allow(
    unsafe_code,
    reason = "ioctl may do anything to memory, and addresses are made up"
)]

use core::fmt::Display;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::syscall::{Errno, Outcome, file};
use guest_user::{Span, println};

pub(crate) const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
/// The kernel's addresses begin here.
pub(crate) const KERNEL: u64 = 0xffff_8000_0000_0000;
/// Neither a program's address nor the kernel's.
pub(crate) const NOWHERE: u64 = 1 << 60;

/// Prints a case.
pub(crate) fn show<T>(case: &str, result: Result<T, Errno>) {
    println!("{case}: {}", Outcome::from(result));
}

/// Prints a case that gives a number.
pub(crate) fn show_number<T: Display>(case: &str, result: Result<T, Errno>) {
    match result {
        Ok(number) => println!("{case}: {number}"),
        Err(errno) => println!("{case}: {errno}"),
    }
}

/// Maps pages of a file from a byte on, and lets go of them at once.
pub(crate) fn map(fd: i32, offset_bytes: u64, len_bytes: u64, prot: u64, flags: u64) -> Result<u64, Errno> {
    Span::map_file(fd, offset_bytes, len_bytes, prot, flags)?.unmap()
}

pub(crate) fn ioctl(fd: i32, request: u32, argument: u64) -> Result<u64, Errno> {
    // SAFETY: the devices' requests change no memory of the program.
    unsafe { file::ioctl(fd, request, argument) }
}

/// Addresses in which nothing of the program's lies.
pub(crate) fn wild(address: u64, len_bytes: u64) -> Span {
    // SAFETY: the addresses are unmapped, or no program's.
    unsafe { Span::at(address, len_bytes) }
}

/// A page, and an unmapped one behind it.
pub(crate) fn page_before_a_hole() -> Span {
    let span = Span::map(2 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS).expect("mmap");
    span.part(PAGE_SIZE, PAGE_SIZE).unmap().expect("munmap");
    span.part(0, PAGE_SIZE)
}
