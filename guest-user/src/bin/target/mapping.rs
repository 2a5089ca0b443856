//! The range is mapped, and the pages of the mapping come, change and go.

use core::time::Duration;

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_DONTNEED, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_READ, PROT_WRITE};
use abi::linux::syscall::O_RDONLY;
use guest_user::syscall::time::sleep;
use guest_user::syscall::{file, memory};
use guest_user::{Span, child};

use crate::{page, step};

const READ_WRITE: u64 = PROT_READ | PROT_WRITE;
/// A file that the image has.
const FILE: &core::ffi::CStr = c"secret";
/// Longer than the parent needs.
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn changes(range: Span) {
    let mapped = range.part(0, 6 * PAGE_SIZE);
    step("mmap of 6 pages", || {
        mapped
            .map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED_NOREPLACE)
            .expect("mmap where nothing is");
    });
    step("a first load from page 0", || {
        let _ = page(range, 0).load(0);
    });
    step("a first store to pages 1, 2 and 3", || {
        (1..4).for_each(|index| page(range, index).store(0, 1));
    });
    copies(range);
    step("mprotect of page 1, to be read", || {
        page(range, 1).protect(PROT_READ).expect("mprotect");
    });
    step("mprotect of page 1, all as before", || {
        page(range, 1).protect(READ_WRITE).expect("mprotect");
    });
    step("madvise(MADV_DONTNEED) of page 2", || {
        page(range, 2).advise(MADV_DONTNEED).expect("madvise");
    });
    step("munmap of pages 3 and 4", || {
        range.part(3 * PAGE_SIZE, 2 * PAGE_SIZE).unmap().expect("munmap");
    });
    file_pages(range);
}

/// fork, and stores after it.
fn copies(range: Span) {
    let mut child = 0;
    step("fork, and the child stores to page 1", || {
        child = child::start(|| {
            page(range, 1).store(0, 2);
            sleep(LONG);
        });
    });
    step("a store to page 2, which the child has too", || {
        page(range, 2).store(0, 3);
    });
    step("the child ends, and a store to page 3", || {
        child::end(child);
        page(range, 3).store(0, 3);
    });
}

/// A file over anonymous memory.
fn file_pages(range: Span) {
    let place = page(range, 5);
    step("mmap of a file over page 5", || map_file(place));
    step("a load from it", || {
        let _ = place.load(0);
    });
    step("a store to it", || place.store(0, 1));
}

#[allow(unsafe_code, reason = "maps over memory")]
fn map_file(place: Span) {
    let fd = file::open(FILE, O_RDONLY).expect("open of the file");
    let flags = MAP_PRIVATE | MAP_FIXED;
    // SAFETY: no Rust object lies in a span.
    unsafe { memory::mmap(place.address(), place.len_bytes(), READ_WRITE, flags, fd, 0) }
        .expect("mmap of the file");
    file::close(fd).expect("close of the file");
}
