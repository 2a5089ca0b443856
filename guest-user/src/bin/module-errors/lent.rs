//! The device of a module that tries to lend what programs must not have.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_SHARED;
use abi::linux::syscall::O_RDWR;
use abi::samples::Lent;
use guest_user::syscall::file;
use guest_user::{Span, child, println};

use crate::case::{READ_WRITE, map, show};

pub(crate) fn show_device() {
    let fd = file::open(c"/dev/module-memory", O_RDWR).expect("open of the device");
    for (name, lent) in [
        ("what the kernel writes", Lent::Writable),
        ("what it only reads", Lent::ReadOnly),
        ("what it executes", Lent::Executable),
        ("what is no module's", Lent::NoModules),
        ("what is nowhere", Lent::NoFrame),
    ] {
        let offset = lent as u64 * PAGE_SIZE;
        show(name, map(fd, offset, PAGE_SIZE, READ_WRITE, MAP_SHARED));
        let asked =
            Span::map_file(fd, offset, 2 * PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap of the device");
        let end = child::run(|| {
            let _ = asked.load(0);
        });
        asked.unmap().expect("munmap");
        println!("asked for with the first access: {end}");
    }
    file::close(fd).expect("close of the device");
}
