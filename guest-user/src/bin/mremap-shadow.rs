//! A shadow page table of memory that moves: both places are in the table as they are now, at once.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_FREE, MADV_REMOVE, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, MREMAP_DONTUNMAP, MREMAP_FIXED,
    MREMAP_MAYMOVE,
};
use guest_user::facts::fact;
use guest_user::pages::{READ_WRITE, pages};
use guest_user::{Arguments, Inspector, Seen, Span, program};

program!(main);

const PAGES: u64 = 8;

fn main(arguments: Arguments) -> i32 {
    let room = Span::map(PAGES * PAGE_SIZE, READ_WRITE, MAP_PRIVATE).expect("mmap");
    let mut inspector = Inspector::start(arguments, room);
    // Nothing of the inspector's is put there any more.
    room.unmap().expect("munmap");
    let mut look = || {
        let Seen { allocated, mapped } = inspector.look();
        core::fmt::from_fn(move |formatter| write!(formatter, "areas {allocated:08b}, mapped {mapped:08b}"))
    };
    let pages = |first, count| pages(room, first, count);
    let map = |span: Span, sharing| span.map_here(READ_WRITE, sharing | MAP_FIXED).expect("mmap");
    let old = map(pages(0, 3), MAP_PRIVATE);
    old.store(0, 1);
    old.store(2 * PAGE_SIZE, 1);
    fact("last page first", look());
    let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    let new = old.remap(3 * PAGE_SIZE, fixed, pages(4, 3)).expect("mremap");
    fact("moved", look());
    let longer = new.remap(4 * PAGE_SIZE, 0, new).expect("mremap");
    fact("longer", look());
    let shorter = longer.remap(PAGE_SIZE, 0, longer).expect("mremap");
    fact("shorter", look());
    shorter
        .remap(PAGE_SIZE, fixed | MREMAP_DONTUNMAP, pages(1, 1))
        .expect("mremap");
    fact("moved, and the old place stays", look());
    pages(1, 1).advise(MADV_FREE).expect("madvise");
    fact("free to go", look());
    let shared = map(pages(2, 1), MAP_SHARED);
    shared.store(0, 1);
    fact("shared", look());
    shared.advise(MADV_REMOVE).expect("madvise");
    fact("removed", look());
    inspector.end();
    0
}
