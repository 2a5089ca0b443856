//! Mappings of a file that is memory.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, MAP_SHARED};
use guest_user::syscall::file;
use guest_user::{Span, child};

use crate::{READ_WRITE, byte_of, fact, fate_of_load, fate_of_store, letters_of, page};

pub(crate) fn facts() {
    let fd = file::memory_file(c"facts", 0).expect("memfd_create");
    file::write(fd, b"contents").expect("write");
    let map = |flags| Span::map_file(fd, 0, 3 * PAGE_SIZE, READ_WRITE, flags).expect("mmap");
    let (shared, private) = (map(MAP_SHARED), map(MAP_PRIVATE));
    fact(
        "the area is",
        core::str::from_utf8(&letters_of(shared)).unwrap_or("?"),
    );
    fact("it holds", char::from(shared.load(0)));
    fact("behind the last byte", shared.load(8));
    fact("load from the page behind", fate_of_load(shared, PAGE_SIZE));
    fact("store to it", fate_of_store(shared, PAGE_SIZE));
    shared.store(0, b'C');
    fact("a store is in the file", char::from(byte_of(fd, 0)));
    fact("and in a private mapping", char::from(private.load(0)));
    file::write_at(fd, b"X", 1).expect("pwrite");
    fact("a write is in the mapping", char::from(shared.load(1)));
    private.store(0, b'p');
    fact("a private store", char::from(private.load(0)));
    fact("is in no file", char::from(byte_of(fd, 0)));
    shared.store(2, b'S');
    fact("its page sees no more", char::from(private.load(2)));
    file::write_at(fd, b"far", 2 * PAGE_SIZE).expect("pwrite");
    fact(
        "a longer file is in the mapping",
        char::from(shared.load(2 * PAGE_SIZE)),
    );
    fact("and what lies between", shared.load(PAGE_SIZE));
    fact("a child's store", child::run(|| shared.store(PAGE_SIZE, b'k')));
    fact("is in the file", char::from(byte_of(fd, PAGE_SIZE)));
    fact(
        "a child's private store",
        child::run(|| private.store(PAGE_SIZE, b'q')),
    );
    fact("is not", char::from(private.load(PAGE_SIZE)));
    file::close(fd).expect("close");
    fact("a closed file is there still", char::from(shared.load(0)));
    page(shared, 0).unmap().expect("munmap");
    fact("and for others", char::from(private.load(2)));
}
