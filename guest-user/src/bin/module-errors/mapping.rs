//! Devices that can be mapped, and nothing else.

use core::ffi::CStr;

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED};
use abi::linux::syscall::{O_RDONLY, O_RDWR, O_WRONLY};
use guest_user::syscall::file;

use crate::case::{READ_WRITE, ioctl, map, show};

pub(crate) fn show_device(path: &CStr, pages: u64) {
    let fd = file::open(path, O_RDWR).expect("open of the device");
    let all = pages * PAGE_SIZE;
    let shared = |offset, len| map(fd, offset, len, READ_WRITE, MAP_SHARED);
    show("all of it", shared(0, all));
    show("the first byte", shared(0, 1));
    show("a page too long", shared(0, all + PAGE_SIZE));
    show("a byte too long", shared(0, all + 1));
    show("nothing", shared(0, 0));
    show("as long as addresses go", shared(0, u64::MAX));
    show("from the second page", shared(PAGE_SIZE, PAGE_SIZE));
    show("from the end", shared(all, PAGE_SIZE));
    show("off the page", shared(1, PAGE_SIZE));
    show(
        "from the last page that there can be",
        shared(0xffff_ffff_ffff_f000, PAGE_SIZE),
    );
    show("all of it, privately", map(fd, 0, all, READ_WRITE, MAP_PRIVATE));
    show("neither shared nor private", map(fd, 0, all, READ_WRITE, 0));
    show("read", file::read(fd, &mut [0; 4]));
    show("write", file::write(fd, &[0; 4]));
    show("seek", file::seek(fd, 0, 0));
    show("a request", ioctl(fd, 0, 0));
    file::close(fd).expect("close of the device");
    for (name, flags) in [("to read", O_RDONLY), ("to write", O_WRONLY)] {
        let fd = file::open(path, flags).expect("open of the device");
        guest_user::print!("opened {name}, ");
        show("stores", map(fd, 0, all, READ_WRITE, MAP_SHARED));
        file::close(fd).expect("close of the device");
    }
}
