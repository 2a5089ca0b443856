//! Which pages of a buffer were written to between two points: they are protected from the first to the second, and every first store
//! to one is told of. Stores happen in the thread that owns the buffer, and another one takes note.
#![no_std]
#![no_main]

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::userfaultfd::{
    UFFD_FEATURE_PAGEFAULT_FLAG_WP, UFFDIO_REGISTER_MODE_WP, UFFDIO_WRITEPROTECT_MODE_WP,
};
use guest_user::{Arguments, Span, Userfaultfd, println, program, thread};

program!(main);

const PAGES: u64 = 16;

/// A bit for each page that was written to.
static DIRTY: AtomicU64 = AtomicU64::new(0);

fn main(_: Arguments) -> i32 {
    let buffer = Span::map(PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    (0..PAGES).for_each(|page| buffer.store(page * PAGE_SIZE, 1));
    let uffd = Userfaultfd::open(0, UFFD_FEATURE_PAGEFAULT_FLAG_WP);
    // It takes note as long as the process lives.
    thread::spawn(move || take_note(uffd, buffer)).expect("clone");

    println!("nothing: {}", written(uffd, buffer, || ()));
    println!(
        "loads: {}",
        written(uffd, buffer, || assert!(
            buffer.load(3 * PAGE_SIZE) == 1,
            "it was stored"
        ))
    );
    println!(
        "one store: {}",
        written(uffd, buffer, || buffer.store(5 * PAGE_SIZE + 100, 2))
    );
    println!(
        "every third page, twice: {}",
        written(uffd, buffer, || {
            for page in (0..PAGES).step_by(3).chain((0..PAGES).step_by(3)) {
                buffer.store((page + 1) * PAGE_SIZE - 1, 3);
            }
        })
    );
    println!(
        "across a boundary: {}",
        written(uffd, buffer, || buffer.store_u64(8 * PAGE_SIZE - 4, u64::MAX))
    );
    println!(
        "all: {}",
        written(uffd, buffer, || (0..PAGES)
            .for_each(|page| buffer.store(page * PAGE_SIZE, 4)))
    );
    println!("nothing: {}", written(uffd, buffer, || ()));
    println!(
        "the first page holds {}, the last {}",
        buffer.load(0),
        buffer.load((PAGES - 1) * PAGE_SIZE)
    );
    0
}

/// The pages that `f` writes to, for people.
fn written(uffd: Userfaultfd, buffer: Span, f: impl FnOnce()) -> impl fmt::Display {
    DIRTY.store(0, SeqCst);
    uffd.register(buffer, UFFDIO_REGISTER_MODE_WP)
        .expect("UFFDIO_REGISTER");
    uffd.write_protect(buffer, UFFDIO_WRITEPROTECT_MODE_WP)
        .expect("UFFDIO_WRITEPROTECT");
    f();
    uffd.unregister(buffer).expect("UFFDIO_UNREGISTER");
    let dirty = DIRTY.load(SeqCst);
    fmt::from_fn(move |formatter| {
        let mut separator = "";
        for page in (0..PAGES).filter(|page| dirty & 1 << page != 0) {
            write!(formatter, "{separator}{page}")?;
            separator = " ";
        }
        formatter.write_str(if dirty == 0 { "none" } else { "" })
    })
}

fn take_note(uffd: Userfaultfd, buffer: Span) {
    loop {
        let message = uffd.read_message().expect("read");
        let offset_bytes = message.address() - buffer.address();
        DIRTY.fetch_or(1 << (offset_bytes / PAGE_SIZE), SeqCst);
        uffd.write_protect(buffer.part(offset_bytes, PAGE_SIZE), 0)
            .expect("UFFDIO_WRITEPROTECT");
    }
}
