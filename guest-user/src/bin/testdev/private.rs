//! Private mappings: stores are the program's own.

use abi::PAGE_SIZE;
use abi::linux::mman::MAP_PRIVATE;
use guest_user::syscall::Outcome;
use guest_user::{child, println};

use crate::device::{AT_ONCE, Device, MEMORY_BYTES, ON_FAULT, READ_WRITE, SCATTERED};

pub(crate) fn show() {
    let device = Device::opened();
    let scattered = device.map(SCATTERED, MEMORY_BYTES, READ_WRITE, MAP_PRIVATE);
    println!("scattered: {}", Outcome::from(scattered));
    for (name, offset) in [("at once", AT_ONCE), ("on fault", ON_FAULT)] {
        device.fill(0, b'd').expect("ioctl");
        let span = device
            .map(offset, MEMORY_BYTES, READ_WRITE, MAP_PRIVATE)
            .expect("mmap of the device");
        let before = span.load(0);
        span.store(0, b'p');
        device.fill(1, b'e').expect("ioctl");
        let child = child::run(|| {
            span.store(0, b'c');
            span.store(PAGE_SIZE, b'c');
        });
        println!(
            "{name}: {} then {}, the device's {}; a page not stored to {}; child {child}",
            char::from(before),
            char::from(span.load(0)),
            char::from(device.byte_of_page(0)),
            char::from(span.load(PAGE_SIZE))
        );
        span.unmap().expect("munmap");
    }
    device.close();
}
