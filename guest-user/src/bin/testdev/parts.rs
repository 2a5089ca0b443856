//! Parts of mappings: the driver is told of every area that comes and goes.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_SHARED, PROT_READ};
use guest_user::println;

use crate::device::{AT_ONCE, Device, MEMORY_BYTES, ON_FAULT, READ_WRITE, show_counts};

pub(crate) fn show() {
    let device = Device::opened();
    for (name, offset) in [("at once", AT_ONCE), ("on fault", ON_FAULT)] {
        device.set_byte_of_page(3, b'z');
        let span = device
            .map(offset, MEMORY_BYTES, READ_WRITE, MAP_SHARED)
            .expect("mmap of the device");
        span.part(PAGE_SIZE, PAGE_SIZE).unmap().expect("munmap");
        show_counts("after a hole in the second page");
        println!("{name}, the last page: {}", char::from(span.load(3 * PAGE_SIZE)));
        let part = span.part(2 * PAGE_SIZE, PAGE_SIZE);
        part.protect(PROT_READ).expect("mprotect");
        part.protect(READ_WRITE).expect("mprotect");
        part.store(0, b'y');
        println!("{name}, the kernel: {}", char::from(device.byte_of_page(2)));
        show_counts("after a change of protection there and back");
        span.unmap().expect("munmap");
        show_counts("after munmap");
    }
    device.close();
}
