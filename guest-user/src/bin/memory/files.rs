//! Files of memory, and what a call moves that reaches only a part of its buffer.

use core::ffi::CStr;
use core::fmt::{self, Display};

use abi::PAGE_SIZE;
use abi::linux::mman::{PROT_NONE, PROT_READ};
use abi::linux::syscall::{MFD_CLOEXEC, MFD_MAX_NAME_BYTES, SEEK_END, SEEK_SET};
use guest_user::Span;
use guest_user::syscall::memory::NO_FILE;
use guest_user::syscall::{Errno, file};

use crate::{fact, outcome, page, private_pages};

/// A flag that has no meaning.
const BAD_FLAG: u64 = 1 << 20;
/// Bytes on each side of the end of a page.
const HALF: u64 = 100;

pub(crate) fn facts() {
    fact(
        "a flag that nobody knows",
        outcome(file::memory_file(c"facts", BAD_FLAG)),
    );
    fact("a name as long as can be", outcome(named(MFD_MAX_NAME_BYTES)));
    fact("a longer one", outcome(named(MFD_MAX_NAME_BYTES + 1)));
    let fd = file::memory_file(c"facts", MFD_CLOEXEC).expect("memfd_create");
    fact("a new one holds", moved(file::read(fd, &mut [0; 8])));
    fact("a write", moved(file::write(fd, b"contents")));
    fact("a read at its end", moved(file::read(fd, &mut [0; 8])));
    fact("its length", file::seek(fd, 0, SEEK_END).unwrap_or(0));
    fact(
        "a write past its end",
        moved(file::write_at(fd, b"far", 3 * PAGE_SIZE)),
    );
    let mut gap = [1; 4];
    fact(
        "a read before that",
        moved(file::read_at(fd, &mut gap, PAGE_SIZE)),
    );
    fact("what is there", gap == [0; 4]);
    fact("its length", file::seek(fd, 0, SEEK_END).unwrap_or(0));
    file::seek(fd, 0, SEEK_SET).expect("lseek");
    partly(fd);
    file::close(fd).expect("close");
    fact(
        "a file that is not open",
        outcome(file::read_span_at(NO_FILE, private_pages(1), 0)),
    );
}

/// Reads and writes over the end of a page behind which there is another, and then none.
fn partly(fd: i32) {
    let memory = private_pages(2);
    let edge = memory.part(PAGE_SIZE - HALF, 2 * HALF);
    let both = |what: &str, edge: Span| {
        fact(what, moved(file::read_span_at(fd, edge, 0)));
        fact("  and a write", moved(file::write_span_at(fd, edge, 0)));
    };
    both("a read to two pages", edge);
    page(memory, 1).protect(PROT_READ).expect("mprotect");
    both("a read to the end of what may be written", edge);
    both("a read to what may only be read", edge.part(HALF, HALF));
    page(memory, 1).protect(PROT_NONE).expect("mprotect");
    both("a read to the end of what may be touched", edge);
    page(memory, 1).unmap().expect("munmap");
    both("a read to the end of memory", edge);
    both("a read to no memory", edge.part(HALF, HALF));
}

/// Makes a file whose name has so many bytes, and closes it.
fn named(len: usize) -> Result<(), Errno> {
    let mut name = [0; MFD_MAX_NAME_BYTES + 2];
    name[..len].fill(b'a');
    let name = CStr::from_bytes_until_nul(&name).expect("the last byte is NUL");
    file::memory_file(name, 0).and_then(file::close)
}

/// How many bytes, or why none.
fn moved(result: Result<usize, Errno>) -> impl Display {
    fmt::from_fn(move |formatter| match result {
        Ok(count) => count.fmt(formatter),
        Err(errno) => errno.fmt(formatter),
    })
}
