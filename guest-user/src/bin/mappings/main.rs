//! Mappings that are longer than their files, that move, are locked, or that the kernel is told something of: one fact a line. The
//! argument says which facts.
//!
//! Addresses never appear: they are the kernel's choice. A fact about a forbidden access is told by the fate of a child.
#![no_std]
#![no_main]

mod advice;
mod files;
mod guards;
mod locks;
mod memory_files;
mod moves;
mod places;
mod program_file;
mod refusals;
mod residency;
mod swapped;

use abi::PAGE_SIZE;
use abi::linux::syscall::{O_RDONLY, SEEK_END};
use guest_user::child::{fate_of_load, fate_of_store};
use guest_user::facts::{fact, section};
use guest_user::pages::{READ_WRITE, page, pages, private_pages, shared_pages};
use guest_user::syscall::{Errno, Outcome, file};
use guest_user::{Arguments, Span, eprintln, maps, program};

program!(main);

fn main(arguments: Arguments) -> i32 {
    match arguments.get(1) {
        Some(b"files") => {
            section("private mappings of a file", files::private);
            section("shared mappings of a file", files::shared);
            section("files of memory", memory_files::facts);
            section("the program's file", program_file::facts);
        }
        Some(b"moves") => {
            section("mremap", moves::facts);
            section("places", places::facts);
            section("what is refused", refusals::facts);
            section("pages that a program serves", guards::facts);
        }
        Some(b"advice") => {
            section("madvise", advice::facts);
            section("mincore", residency::mincore);
            section("msync", residency::msync);
        }
        Some(b"locks") => section("locks", locks::facts),
        Some(b"limits") => section("limits", locks::limits),
        Some(b"swapped") => section("with little memory", swapped::facts),
        _ => {
            eprintln!("which facts? files, moves, advice, locks, limits, swapped");
            return 2;
        }
    }
    0
}

fn outcome<T>(result: Result<T, Errno>) -> Outcome {
    result.into()
}

/// The same, with 10 more than its number at the start of each page.
fn numbered_pages(pages: u64) -> Span {
    numbered(private_pages(pages))
}

/// Stores 10 more than its number at the start of each page.
fn numbered(span: Span) -> Span {
    for index in 0..span.len_bytes() / PAGE_SIZE {
        page(span, index).store(0, 10 + index as u8);
    }
    span
}

/// A range in which nothing is mapped.
fn room(pages: u64) -> Span {
    let room = private_pages(pages);
    room.unmap().expect("munmap of room");
    room
}

/// This program's own file, which ends inside a page, and its length.
fn own_file() -> (i32, u64) {
    let fd = file::open(c"mappings", O_RDONLY).expect("open of this program");
    let len_bytes = file::seek(fd, 0, SEEK_END).expect("lseek");
    assert!(!len_bytes.is_multiple_of(PAGE_SIZE), "it ends inside a page");
    (fd, len_bytes)
}

/// The byte of a file at an offset.
fn byte_of(fd: i32, offset_bytes: u64) -> u8 {
    let mut byte = [0];
    file::read_at(fd, &mut byte, offset_bytes).expect("pread");
    byte[0]
}

/// What the maps say of the area that begins with the span.
fn letters_of(span: Span) -> [u8; 4] {
    let mut letters = *b"none";
    maps::for_each(|region| {
        if region.start == span.address() {
            letters = region.permissions;
        }
    });
    letters
}
