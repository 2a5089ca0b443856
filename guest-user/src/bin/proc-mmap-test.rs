//! Maps the page behind an open file in `/proc` twice, and looks whether both mappings and the kernel see each other's stores.
//!
//! Argument: the path of the file.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDWR;
use abi::samples::{PROC_MMAP_ADDRESSES, PROC_MMAP_BYTES, PhysicalAddresses};
use guest_user::syscall::file;
use guest_user::{Arguments, PageMap, Span, println, program};

program!(main);

const USAGE_STATUS: i32 = 2;

fn main(arguments: Arguments) -> i32 {
    let Some(path) = arguments.c_str(1) else {
        println!("usage: proc-mmap-test <mmap_file>");
        return USAGE_STATUS;
    };
    println!("open pathname = {}", path.to_bytes().escape_ascii());
    let fd = file::open(path, O_RDWR).expect("open of the file");
    println!("mmap 1");
    let first = map(fd);
    println!("mmap 2");
    let second = map(fd);
    assert_ne!(first.address(), second.address(), "two mappings");

    println!("access 1: {}", text(first));
    println!("access 2: {}", text(second));
    put(first, *b"qwer");
    println!("after a store to 1, 2 has: {}", text(second));

    let map = PageMap::own();
    let frames = [first, second].map(|span| map.at(span.address()).frame());
    map.close();
    let is_one = frames[0].is_some() && frames[0] == frames[1];
    println!("both are in one frame: {is_one}");
    let kernels = kernels_addresses(fd);
    for (what, address) in [("record", kernels.record), ("page", kernels.page)] {
        let is_here = frames[0] == Some(address / PAGE_SIZE);
        println!("virt_to_phys of the kernel's {what} leads there: {is_here}");
    }

    let mut bytes = [0; PROC_MMAP_BYTES];
    let len = file::read(fd, &mut bytes).expect("read of the file");
    println!("the kernel has: {}", bytes[..len].escape_ascii());
    file::write(fd, b"zxcv").expect("write to the file");
    println!("after the kernel's store, 1 has: {}", text(first));
    println!("after the kernel's store, 2 has: {}", text(second));

    println!("munmap 1");
    first.unmap().expect("munmap");
    println!("munmap 2");
    second.unmap().expect("munmap");
    println!("close");
    file::close(fd).expect("close of the file");
    0
}

fn map(fd: i32) -> Span {
    Span::map_file(fd, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED).expect("mmap of the file")
}

fn text(span: Span) -> impl core::fmt::Display {
    core::fmt::from_fn(move |f| {
        (0..PROC_MMAP_BYTES as u64).try_for_each(|index| write!(f, "{}", char::from(span.load(index))))
    })
}

fn put(span: Span, text: [u8; PROC_MMAP_BYTES]) {
    (0..).zip(text).for_each(|(index, byte)| span.store(index, byte));
}

#[allow(unsafe_code, reason = "an ioctl that writes to memory")]
fn kernels_addresses(fd: i32) -> PhysicalAddresses {
    let mut addresses = PhysicalAddresses { record: 0, page: 0 };
    // SAFETY: the request writes such a structure, and there is one.
    let told = unsafe { file::ioctl(fd, PROC_MMAP_ADDRESSES, &raw mut addresses as u64) };
    told.expect("the file tells its addresses");
    addresses
}
