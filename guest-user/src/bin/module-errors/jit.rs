//! The device that runs functions.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_SHARED;
use abi::linux::syscall::O_RDWR;
use abi::samples::{JIT_EXECUTE_FUNC, JIT_LOAD_FUNC, UserFunction};
use guest_user::child;
use guest_user::println;
use guest_user::syscall::{Errno, file};

use crate::case::{KERNEL, NOWHERE, READ_WRITE, ioctl, map, page_before_a_hole, show, show_number};

/// `mov eax, 7` and `ret`.
static SEVEN: [u8; 6] = [0xb8, 7, 0, 0, 0, 0xc3];
/// `ud2`.
static UNDEFINED: [u8; 2] = [0x0f, 0x0b];
/// `xor eax, eax` and `mov [rax], eax`.
static STORES_AT_NULL: [u8; 4] = [0x31, 0xc0, 0x89, 0x00];
/// `mov [rip - 6], eax`: a store to the function itself.
static STORES_TO_ITSELF: [u8; 7] = [0x89, 0x05, 0xfa, 0xff, 0xff, 0xff, 0xc3];

pub(crate) fn show_device() {
    let fd = file::open(c"/dev/JIT", O_RDWR).expect("open of the device");
    let execute = || ioctl(fd, JIT_EXECUTE_FUNC, 0);
    show_number("execute before load", execute());
    show("load from nowhere", ioctl(fd, JIT_LOAD_FUNC, NOWHERE));
    show("load from the kernel", ioctl(fd, JIT_LOAD_FUNC, KERNEL));
    show("load from null", ioctl(fd, JIT_LOAD_FUNC, 0));
    let hole = page_before_a_hole();
    show(
        "load from the end of a page and on",
        ioctl(fd, JIT_LOAD_FUNC, hole.address() + PAGE_SIZE - 8),
    );
    show("no bytes", load(fd, hole.address(), 0));
    show("a byte too many", load(fd, hole.address(), PAGE_SIZE + 1));
    show(
        "as many bytes as there can be",
        load(fd, hole.address(), u64::MAX),
    );
    show("a function nowhere", load(fd, NOWHERE, 16));
    show("a function of the kernel", load(fd, KERNEL, 16));
    show(
        "a function and a hole",
        load(fd, hole.address() + PAGE_SIZE - 8, 16),
    );
    show_number("execute after these", execute());
    show("a page of a function", load(fd, hole.address(), PAGE_SIZE));
    show("a function", load_bytes(fd, &SEVEN));
    show_number("execute it", execute());
    show_number("and again", execute());
    show("a hole after it", load(fd, NOWHERE, 16));
    show_number("execute after that", execute());
    for (name, function) in [
        ("an undefined instruction", &UNDEFINED[..]),
        ("a store at null", &STORES_AT_NULL),
        ("a store to itself", &STORES_TO_ITSELF),
    ] {
        let end = child::run(|| {
            show(name, load_bytes(fd, function));
            show_number("which returns", execute());
        });
        println!("{name} ends the program: {end}");
    }
    show("a function after these", load_bytes(fd, &SEVEN));
    show_number("execute it", execute());
    show("another request", ioctl(fd, 0, 0));
    show("map", map(fd, 0, PAGE_SIZE, READ_WRITE, MAP_SHARED));
    show("read", file::read(fd, &mut [0; 4]));
    file::close(fd).expect("close of the device");
}

fn load_bytes(fd: i32, function: &[u8]) -> Result<u64, Errno> {
    load(fd, function.as_ptr() as u64, function.len() as u64)
}

fn load(fd: i32, address: u64, len_bytes: u64) -> Result<u64, Errno> {
    let function = UserFunction { address, len_bytes };
    ioctl(fd, JIT_LOAD_FUNC, &raw const function as u64)
}
