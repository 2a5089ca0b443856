//! The device that runs functions.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_SHARED;
use guest_user::syscall::file;
use guest_user::{Jit, child, println};

use crate::case::{KERNEL, NOWHERE, READ_WRITE, ioctl, map, page_before_a_hole, show, show_number};

/// `mov eax, 7` and `ret`.
static SEVEN: [u8; 6] = [0xb8, 7, 0, 0, 0, 0xc3];
/// `ud2`.
static UNDEFINED: [u8; 2] = [0x0f, 0x0b];
/// `xor eax, eax` and `mov [rax], eax`.
static STORES_AT_NULL: [u8; 4] = [0x31, 0xc0, 0x89, 0x00];
/// `mov [rip - 6], eax`: a store to the function itself.
static STORES_TO_ITSELF: [u8; 7] = [0x89, 0x05, 0xfa, 0xff, 0xff, 0xff, 0xc3];
/// `xor eax, eax` and `jmp rax`.
static JUMPS_TO_NULL: [u8; 4] = [0x31, 0xc0, 0xff, 0xe0];
/// `std`, `sti`, `mov eax, 8` and `ret`: with flags that no function may leave so.
static LEAVES_FLAGS: [u8; 8] = [0xfd, 0xfb, 0xb8, 8, 0, 0, 0, 0xc3];
/// `std`, `sti` and `ud2`.
static LEAVES_FLAGS_AND_FAULTS: [u8; 4] = [0xfd, 0xfb, 0x0f, 0x0b];

pub(crate) fn show_device() {
    let device = Jit::open().expect("open of the device");
    show_number("execute before load", device.execute());
    show("load from nowhere", device.load_as_told_at(NOWHERE));
    show("load from the kernel", device.load_as_told_at(KERNEL));
    show("load from null", device.load_as_told_at(0));
    let hole = page_before_a_hole();
    show(
        "load from the end of a page and on",
        device.load_as_told_at(hole.address() + PAGE_SIZE - 8),
    );
    show("no bytes", device.load_at(hole.address(), 0));
    show("a byte too many", device.load_at(hole.address(), PAGE_SIZE + 1));
    show(
        "as many bytes as there can be",
        device.load_at(hole.address(), u64::MAX),
    );
    show("a function nowhere", device.load_at(NOWHERE, 16));
    show("a function of the kernel", device.load_at(KERNEL, 16));
    show(
        "a function and a hole",
        device.load_at(hole.address() + PAGE_SIZE - 8, 16),
    );
    show_number("execute after these", device.execute());
    show("a page of a function", device.load_at(hole.address(), PAGE_SIZE));
    show("a function", device.load(&SEVEN));
    show_number("execute it", device.execute());
    show_number("and again", device.execute());
    show("a hole after it", device.load_at(NOWHERE, 16));
    show_number("execute after that", device.execute());
    for (name, function) in [
        ("an undefined instruction", &UNDEFINED[..]),
        ("a store at null", &STORES_AT_NULL),
        ("a store to itself", &STORES_TO_ITSELF),
        ("a jump to null", &JUMPS_TO_NULL),
        ("an undefined instruction after flags", &LEAVES_FLAGS_AND_FAULTS),
    ] {
        let end = child::run(|| {
            show(name, device.load(function));
            show_number("which returns", device.execute());
        });
        println!("{name} ends the program: {end}");
    }
    show("a function after these", device.load(&SEVEN));
    show_number("execute it", device.execute());
    show("a function that leaves flags", device.load(&LEAVES_FLAGS));
    show_number("execute it", device.execute());
    show("another request", ioctl(device.fd, 0, 0));
    show("map", map(device.fd, 0, PAGE_SIZE, READ_WRITE, MAP_SHARED));
    show("read", file::read(device.fd, &mut [0; 4]));
    device.close();
}
