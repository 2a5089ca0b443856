//! Maps the memory of a driver, and says whether every page of it begins with the driver's mark.
//!
//! Argument: 1 for `/dev/kmmap`, 2 for `/dev/vmmap`.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDWR;
use abi::samples::{KMMAP_PAGES, MARK, VMMAP_PAGES};
use guest_user::syscall::file;
use guest_user::{Arguments, Span, println, program};

program!(main);

const FAILURE_STATUS: i32 = 1;
const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let (path, pages) = match arguments.get(1) {
        Some(b"1") => (c"/dev/kmmap", KMMAP_PAGES),
        Some(b"2") => (c"/dev/vmmap", VMMAP_PAGES),
        _ => {
            println!("usage: mmap-test 1|2");
            return USAGE_STATUS;
        }
    };
    let fd = match file::open(path, O_RDWR) {
        Ok(fd) => fd,
        Err(errno) => {
            println!("open of {}: {errno}", path.to_bytes().escape_ascii());
            return FAILURE_STATUS;
        }
    };
    let memory = Span::map_file(fd, 0, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED);
    let memory = memory.expect("mmap of the device");
    file::close(fd).expect("close of the device");
    let first_other = (0..pages).find(|page| mark_of(memory, *page) != MARK);
    memory.unmap().expect("munmap of the device");
    match first_other {
        None => {
            println!("matched");
            0
        }
        Some(page) => {
            println!("page {page} does not match");
            FAILURE_STATUS
        }
    }
}

fn mark_of(memory: Span, page: u64) -> [u8; 4] {
    [0, 1, 2, 3].map(|byte| memory.load(page * PAGE_SIZE + byte))
}
