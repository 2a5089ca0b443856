//! Flags of mmap: memory that grows downwards, that lies low, and what is refused.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MAP_32BIT, MAP_FIXED, MAP_GROWSDOWN, MAP_NORESERVE, MAP_POPULATE, MAP_PRIVATE, MAP_SHARED,
    MAP_SHARED_VALIDATE, MAP_STACK, PROT_NONE, PROT_READ,
};
use guest_user::Span;

use crate::{READ_WRITE, fact, fate_of_load, fate_of_store, outcome, page};

/// Pages of the room that something grows in.
const ROOM: u64 = 700;
/// A page in it that has as many pages below it.
const UPPER: u64 = 600;
/// What is below by fewer pages than these is in the way.
const GUARD: u64 = 256;
/// End of the first 2 GiB.
const LOW_END: u64 = 1 << 31;

pub(crate) fn facts() {
    growth();
    low_places();
    let map = |flags| outcome(Span::map(PAGE_SIZE, READ_WRITE, flags));
    fact(
        "memory of all that would have to be validated",
        map(MAP_SHARED_VALIDATE),
    );
    fact("shared memory that grows", map(MAP_SHARED | MAP_GROWSDOWN));
    fact("memory for a stack", map(MAP_PRIVATE | MAP_STACK));
    fact("memory that is not kept ready", map(MAP_PRIVATE | MAP_NORESERVE));
    let ready = Span::map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_POPULATE).expect("mmap with MAP_POPULATE");
    fact("contents of memory that is there", ready.load(0));
}

/// Room in which nothing is but one page that grows, with one above which another may be.
fn room(neighbour: Option<u64>) -> Span {
    let room = Span::map(ROOM * PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap of room");
    room.unmap().expect("munmap of room");
    let growing = page(room, UPPER);
    let mapped = growing.map_here(READ_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_GROWSDOWN);
    mapped.expect("mmap with MAP_GROWSDOWN");
    if let Some(prot) = neighbour {
        let below = page(room, UPPER - GUARD);
        below
            .map_here(prot, MAP_PRIVATE | MAP_FIXED)
            .expect("mmap of a neighbour");
    }
    room
}

fn growth() {
    let alone = room(None);
    fact(
        "a store right below what grows",
        fate_of_store(page(alone, UPPER - 1), 8),
    );
    fact("a load far below it", fate_of_load(page(alone, UPPER - 500), 0));
    page(alone, UPPER - 2).store(0, 7);
    fact("what lies between", page(alone, UPPER - 1).load(0));
    fact("what was stored", page(alone, UPPER - 2).load(0));

    let crowded = room(Some(PROT_READ));
    fact(
        "a store below it with a neighbour too near",
        fate_of_store(page(crowded, UPPER - 1), 0),
    );
    let hidden = room(Some(PROT_NONE));
    fact(
        "a store below it with a neighbour that nobody can reach",
        fate_of_store(page(hidden, UPPER - 1), 0),
    );
}

fn low_places() {
    let low = Span::map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_32BIT).expect("mmap with MAP_32BIT");
    fact("MAP_32BIT is below 2 GiB", low.end() <= LOW_END);
    let second = Span::map(PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_32BIT).expect("mmap with MAP_32BIT");
    fact("and so is the next", second.end() <= LOW_END && second != low);
    fact(
        "more than the first 2 GiB hold",
        outcome(Span::map(LOW_END, PROT_NONE, MAP_PRIVATE | MAP_32BIT)),
    );
}
