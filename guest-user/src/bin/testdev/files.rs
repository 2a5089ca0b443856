//! Reading, writing, seeking, ioctl, and what a descriptor may do.

use abi::linux::mman::{MAP_SHARED, PROT_READ};
use abi::linux::syscall::{O_RDONLY, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET};
use abi::testdev::{FILL, WRITTEN};
use guest_user::syscall::{Outcome, file};
use guest_user::{child, lines, println};

use crate::device::{AT_ONCE, Device, LINE_BYTES, MEMORY_BYTES, PATH};

pub(crate) fn show() {
    let device = Device::opened();
    println!("devices: {}", device_line());
    println!("fill a page: {}", Outcome::from(device.fill(1, b'f')));
    println!(
        "fill a page that is not there: {}",
        Outcome::from(device.fill(4, b'f'))
    );
    println!("fill from nowhere: {}", Outcome::from(device.ioctl(FILL, 0)));
    println!("another request: {}", Outcome::from(device.ioctl(FILL + 1, 0)));
    println!(
        "a request to the console: {}",
        Outcome::from(Device(1).ioctl(FILL, 0))
    );
    println!(
        "a request to nothing: {}",
        Outcome::from(Device(99).ioctl(FILL, 0))
    );
    positions(device);
    let other = Device::opened();
    let written = |device: Device| device.ioctl(WRITTEN, 0).expect("ioctl");
    println!(
        "written through this descriptor {}, through another {}",
        written(device),
        written(other)
    );
    other.close();
    device.close();
    modes();
}

/// What `/proc/devices` has on the device, without its number.
fn device_line() -> &'static str {
    let (mut count, mut has_header, mut has_device) = (0, false, false);
    let look = |line: &[u8]| {
        has_header |= count == 0 && line == b"Character devices:";
        has_device |= line.ends_with(b" testdev");
        count += 1;
    };
    lines::for_each::<LINE_BYTES>(c"/proc/devices", look).expect("read of /proc/devices");
    if has_header && has_device {
        "listed"
    } else {
        "not listed"
    }
}

fn positions(device: Device) {
    let write = file::write(device.0, b"qwer").expect("write to the device");
    let position = file::seek(device.0, 0, SEEK_CUR).expect("lseek");
    println!("wrote {write} bytes, the position is {position}");
    let child = child::run(|| {
        let mut bytes = [0; 2];
        file::seek(device.0, -3, SEEK_CUR).expect("lseek");
        file::read(device.0, &mut bytes).expect("read of the device");
        println!("the child reads: {}", bytes.escape_ascii());
    });
    let mut byte = [0];
    file::read(device.0, &mut byte).expect("read of the device");
    println!(
        "the child ended: {child}, the parent goes on with: {}",
        byte.escape_ascii()
    );
    let end = file::seek(device.0, 0, SEEK_END).expect("lseek");
    println!("the end is the memory's: {}", end == MEMORY_BYTES);
    println!(
        "reads there: {}",
        file::read(device.0, &mut byte).expect("read of the device")
    );
    println!(
        "before the start: {}",
        Outcome::from(file::seek(device.0, -1, SEEK_SET))
    );
    println!("from no place: {}", Outcome::from(file::seek(device.0, 0, 5)));
    println!(
        "pread before the start: {}",
        Outcome::from(file::read_at(device.0, &mut byte, u64::MAX))
    );
}

fn modes() {
    let reader = Device(file::open(PATH, O_RDONLY).expect("open of the device"));
    let writer = Device(file::open(PATH, O_WRONLY).expect("open of the device"));
    let mut byte = [0];
    println!(
        "write for reading: {}",
        Outcome::from(file::write(reader.0, &byte))
    );
    println!(
        "read for writing: {}",
        Outcome::from(file::read(writer.0, &mut byte))
    );
    let map = |device: Device, prot| device.map(AT_ONCE, MEMORY_BYTES, prot, MAP_SHARED);
    println!("map for writing alone: {}", Outcome::from(map(writer, PROT_READ)));
    let span = map(reader, PROT_READ).expect("mmap of the device");
    println!(
        "make that writable which is open for reading: {}",
        Outcome::from(span.protect(crate::device::READ_WRITE))
    );
    println!(
        "map so: {}",
        Outcome::from(map(reader, crate::device::READ_WRITE))
    );
    span.unmap().expect("munmap");
    let nowhere = file::read_span(reader.0, span);
    println!("read to nowhere: {}", Outcome::from(nowhere));
    reader.close();
    writer.close();
}
