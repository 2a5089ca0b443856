//! The memory as a file in `/proc`.

use abi::linux::mman::MAP_SHARED;
use abi::linux::syscall::O_RDWR;
use abi::testdev::{PUBLISH, WITHDRAW};
use guest_user::println;
use guest_user::syscall::{Outcome, file};

use crate::device::{AT_ONCE, Device, MEMORY_BYTES, PROC_PATH, READ_WRITE, command};

pub(crate) fn show() {
    println!("before: {}", Outcome::from(file::open(PROC_PATH, O_RDWR)));
    println!("withdraw: {}", command(WITHDRAW));
    println!("publish: {}", command(PUBLISH));
    println!("publish again: {}", command(PUBLISH));
    let memory = Device(file::open(PROC_PATH, O_RDWR).expect("open of the file"));
    let map = || {
        memory
            .map(AT_ONCE, MEMORY_BYTES, READ_WRITE, MAP_SHARED)
            .expect("mmap of the file")
    };
    let (first, second) = (map(), map());
    first.store(0, b'x');
    memory.set_byte_of_page(1, b'y');
    println!(
        "two mappings: {}{}",
        char::from(second.load(0)),
        char::from(second.load(abi::PAGE_SIZE))
    );
    println!("withdraw when open and mapped: {}", command(WITHDRAW));
    memory.close();
    first.unmap().expect("munmap");
    println!("withdraw when mapped: {}", command(WITHDRAW));
    second.unmap().expect("munmap");
    println!("withdraw: {}", command(WITHDRAW));
}
