//! mremap: shorter, longer, elsewhere.

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_FIXED, MAP_PRIVATE, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ};
use guest_user::Span;

use crate::{
    READ_WRITE, fact, fate_of_load, fate_of_store, numbered, numbered_pages, outcome, page, pages, room,
};

pub(crate) fn facts() {
    let span = numbered_pages(4);
    let shorter = span.remap(2 * PAGE_SIZE, 0, span).expect("mremap");
    fact("shorter, at the same place", shorter == pages(span, 0, 2));
    fact("what stays", page(span, 1).load(0));
    fact("load from what goes", fate_of_load(page(span, 2), 0));
    let same = shorter.remap(2 * PAGE_SIZE, 0, shorter).expect("mremap");
    fact("as long as it is", same == shorter);
    let longer = shorter.remap(4 * PAGE_SIZE, 0, shorter).expect("mremap");
    fact("longer, at the same place", longer == span);
    fact("what was there", page(span, 1).load(0));
    fact("what is new", page(span, 2).load(0));
    page(span, 3).store(0, 9);
    fact("a store to it", page(span, 3).load(0));
    fact(
        "and to what goes on behind",
        fate_of_store(page(span, 1), PAGE_SIZE - 1),
    );
    blocked();
    over_others();
    parts();
    far();
}

/// What is to be longer has no room.
fn blocked() {
    let room = room(3);
    let map = |span: Span, prot| span.map_here(prot, MAP_PRIVATE | MAP_FIXED).expect("mmap");
    let span = numbered(map(page(room, 0), READ_WRITE));
    let neighbour = map(page(room, 1), PROT_READ);
    fact(
        "longer where there is no room",
        outcome(span.remap(2 * PAGE_SIZE, 0, span)),
    );
    fact("it is there still", span.load(0));
    let moved = span.remap(2 * PAGE_SIZE, MREMAP_MAYMOVE, span).expect("mremap");
    fact("it moves", moved != pages(room, 0, 2));
    fact("it holds", moved.load(0));
    fact("what is new", page(moved, 1).load(0));
    fact("load from where it was", fate_of_load(span, 0));
    fact("its neighbour stays", neighbour.load(0));
}

/// A place that is ordered, whatever is there.
fn over_others() {
    let (span, target) = (numbered_pages(2), numbered_pages(4));
    let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    let moved = span
        .remap(2 * PAGE_SIZE, flags, pages(target, 1, 2))
        .expect("mremap");
    fact("over other pages it is there", moved == pages(target, 1, 2));
    fact("it holds", moved.load(0));
    fact("the page before it", target.load(0));
    fact("the page after it", page(target, 3).load(0));
    let shorter = moved.remap(PAGE_SIZE, flags, page(span, 0)).expect("mremap");
    fact("shorter and elsewhere it holds", shorter.load(0));
    fact("load from its second page", fate_of_load(page(target, 2), 0));
    let longer = shorter
        .remap(2 * PAGE_SIZE, flags, pages(target, 2, 2))
        .expect("mremap");
    fact("longer and elsewhere it holds", longer.load(0));
    fact("what is new", page(longer, 1).load(0));
}

/// Areas of which a part moves, and that become one again.
fn parts() {
    let span = numbered_pages(3);
    let flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    let elsewhere = page(span, 1).remap(PAGE_SIZE, flags, room(1)).expect("mremap");
    fact(
        "over a hole",
        outcome(span.remap(4 * PAGE_SIZE, MREMAP_MAYMOVE, span)),
    );
    let back = elsewhere.remap(PAGE_SIZE, flags, page(span, 1)).expect("mremap");
    fact("it comes back", back.load(0));
    let longer = span.remap(4 * PAGE_SIZE, MREMAP_MAYMOVE, span).expect("mremap");
    let sum = (0..3).map(|index| page(longer, index).load(0)).sum::<u8>();
    fact("all of it moves as one", sum);
}

/// Pages whose entries are in other tables.
fn far() {
    let span = room(1100);
    let flags = MAP_PRIVATE | MAP_FIXED;
    let old = pages(span, 0, 520).map_here(READ_WRITE, flags).expect("mmap");
    for index in [0, 100, 511, 512, 519] {
        page(old, index).store(0, (index % 251) as u8);
    }
    let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    let new = old
        .remap(old.len_bytes(), fixed, pages(span, 523, 520))
        .expect("mremap");
    let is_there = [0, 100, 511, 512, 519]
        .into_iter()
        .all(|index| page(new, index).load(0) == (index % 251) as u8);
    fact("many pages moved", is_there);
    fact("one that was not touched", page(new, 50).load(0));
    fact("load from where the last was", fate_of_load(page(span, 519), 0));
}
