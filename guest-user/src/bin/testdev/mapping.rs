//! What the memory is where it is mapped: three ways to the same pages, and what the kernel sees.

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, MAP_SHARED};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::{Outcome, file};
use guest_user::{Span, child, lines, println};

use crate::device::{AT_ONCE, Device, LINE_BYTES, MEMORY_BYTES, ON_FAULT, READ_WRITE, SCATTERED};

/// The last page of the memory.
const LAST: u64 = 3;

pub(crate) fn show() {
    let device = Device::opened();
    refusals(device);
    let shared = |offset| device.map(offset, MEMORY_BYTES, READ_WRITE, MAP_SHARED);
    let at_once = shared(AT_ONCE).expect("mmap of the device");
    let scattered = shared(SCATTERED).expect("mmap of the device");
    let on_fault = shared(ON_FAULT).expect("mmap of the device");
    // The kernel's stores.
    for page in 0..=LAST {
        device.set_byte_of_page(page, b'a' + page as u8);
    }
    println!("at once: {}", letters(at_once));
    println!("scattered: {}", letters(scattered));
    println!("on fault: {}", letters(on_fault));
    // The program's.
    at_once.store(0, b'1');
    on_fault.store(PAGE_SIZE, b'2');
    scattered.store(0, b'4');
    println!("at once: {}", letters(at_once));
    println!("scattered: {}", letters(scattered));
    println!("on fault: {}", letters(on_fault));
    println!(
        "the kernel: {}{}{}{}",
        char::from(device.byte_of_page(0)),
        char::from(device.byte_of_page(1)),
        char::from(device.byte_of_page(2)),
        char::from(device.byte_of_page(LAST))
    );
    show_lines();
    through_memory_file(at_once, on_fault);
    println!(
        "drop what was put there: {}",
        Outcome::from(at_once.advise(MADV_DONTNEED))
    );
    println!(
        "drop what was asked for: {}",
        Outcome::from(on_fault.advise(MADV_DONTNEED))
    );
    println!("which comes back: {}", letters(on_fault));
    for span in [at_once, scattered, on_fault] {
        span.unmap().expect("munmap");
    }
    device.close();
}

fn refusals(device: Device) {
    let map = |offset, pages, flags| Outcome::from(device.map(offset, pages * PAGE_SIZE, READ_WRITE, flags));
    println!("too long: {}", map(AT_ONCE, 5, MAP_SHARED));
    println!("from too far: {}", map(AT_ONCE + PAGE_SIZE, 4, MAP_SHARED));
    println!("scattered and too long: {}", map(SCATTERED, 5, MAP_SHARED));
    println!("nothing: {}", map(AT_ONCE, 0, MAP_SHARED));
    println!("off the page: {}", map(AT_ONCE + 1, 1, MAP_SHARED));
    println!("neither shared nor private: {}", map(AT_ONCE, 1, 0));
    let console = Device(1).map(0, PAGE_SIZE, READ_WRITE, MAP_SHARED);
    println!("the console: {}", Outcome::from(console));
    let past_the_end = child::run(|| {
        let span = device.map(ON_FAULT, MEMORY_BYTES + PAGE_SIZE, READ_WRITE, MAP_SHARED);
        span.expect("mmap of the device").store(MEMORY_BYTES, 0);
    });
    println!("a page that the device does not have: {past_the_end}");
}

/// The first byte of each page.
fn letters(span: Span) -> impl core::fmt::Display {
    core::fmt::from_fn(move |f| {
        (0..span.len_bytes() / PAGE_SIZE).try_for_each(|page| {
            let byte = span.load(page * PAGE_SIZE);
            write!(f, "{}", char::from(byte))
        })
    })
}

/// Lines of the device in `/proc/self/maps`, without addresses.
fn show_lines() {
    let show = |line: &[u8]| {
        let mut words = line.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        if line.ends_with(b"/dev/testdev")
            && let (Some(_), Some(permissions), Some(offset)) = (words.next(), words.next(), words.next())
        {
            println!(
                "  {} {} {}",
                permissions.escape_ascii(),
                offset.escape_ascii(),
                words.next_back().unwrap_or_default().escape_ascii()
            );
        }
    };
    lines::for_each::<LINE_BYTES>(c"/proc/self/maps", show).expect("read of /proc/self/maps");
}

/// What was put there is for the processor alone.
fn through_memory_file(at_once: Span, on_fault: Span) {
    let memory = file::open(c"/proc/self/mem", O_RDONLY).expect("open of /proc/self/mem");
    let mut byte = [0];
    for (name, span) in [("at once", at_once), ("on fault", on_fault)] {
        let read = file::read_at(memory, &mut byte, span.address());
        println!("through /proc/self/mem, {name}: {}", Outcome::from(read));
    }
    file::close(memory).expect("close of /proc/self/mem");
}
