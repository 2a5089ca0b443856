//! The file in `/proc`.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_SHARED;
use abi::linux::syscall::O_RDWR;
use abi::samples::PROC_MMAP_ADDRESSES;
use guest_user::syscall::file;

use crate::case::{KERNEL, NOWHERE, READ_WRITE, ioctl, map, page_before_a_hole, show, show_number, wild};

pub(crate) fn show_file() {
    let fd = file::open(c"/proc/lkmc_mmap", O_RDWR).expect("open of the file");
    let hole = page_before_a_hole();
    show_number("read to nowhere", file::read_span(fd, wild(NOWHERE, 4)));
    show_number("read to the kernel", file::read_span(fd, wild(KERNEL, 4)));
    let past_the_page = wild(hole.address() + PAGE_SIZE - 2, 4);
    show_number(
        "read to the end of a page and on",
        file::read_span(fd, past_the_page),
    );
    show_number("write from nowhere", file::write_span(fd, wild(NOWHERE, 4)));
    show_number("write from the kernel", file::write_span(fd, wild(KERNEL, 4)));
    show_number(
        "write from the end of a page and on",
        file::write_span(fd, past_the_page),
    );
    show_number("read more than there is", file::read(fd, &mut [0; 64]));
    show_number("read at the end", file::read(fd, &mut [0; 64]));
    show_number("write more than there is", file::write(fd, &[b'x'; 64]));
    show_number("write nothing", file::write(fd, &[]));
    show_number("read far behind the end", file::read_at(fd, &mut [0; 4], 1 << 62));
    show_number("write far behind the end", file::write_at(fd, b"far", 1 << 62));
    let shared = |offset, len| map(fd, offset, len, READ_WRITE, MAP_SHARED);
    show("map two pages", shared(0, 2 * PAGE_SIZE));
    show("map the second page", shared(PAGE_SIZE, PAGE_SIZE));
    show("a request", ioctl(fd, 0, 0));
    let addresses = |to| ioctl(fd, PROC_MMAP_ADDRESSES, to);
    show("addresses to nowhere", addresses(NOWHERE));
    show("addresses to the kernel", addresses(KERNEL));
    show(
        "addresses to the end of a page and on",
        addresses(hole.address() + PAGE_SIZE - 8),
    );
    file::close(fd).expect("close of the file");
}
