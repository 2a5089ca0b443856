//! With more memory than there is: pages go to the disk, where there is one, and nobody can tell but by asking where they are.

use abi::PAGE_SIZE;
use abi::linux::mman::{MADV_PAGEOUT, MADV_WILLNEED, MREMAP_FIXED, MREMAP_MAYMOVE};
use guest_user::child;

use crate::{fact, numbered_pages, outcome, page, pages, private_pages, room};

/// More than the memory of the scenario's guest.
const MANY_PAGES: u64 = 2700;

pub(crate) fn facts() {
    let span = numbered_pages(4);
    let locked = numbered_pages(2);
    locked.lock().expect("mlock");
    let asked = numbered_pages(2);
    fact("asked to go", outcome(asked.advise(MADV_PAGEOUT)));
    fact("it holds", asked.load(0));
    fact("asked to go again", outcome(asked.advise(MADV_PAGEOUT)));
    fact("asked to come back", outcome(asked.advise(MADV_WILLNEED)));
    let mut told = [0; 2];
    asked.residency(&mut told).expect("mincore");
    fact("it is there", format_args!("{told:?}"));
    fact("it holds", page(asked, 1).load(0));

    let many = private_pages(MANY_PAGES);
    (0..MANY_PAGES).for_each(|index| page(many, index).store(0, index as u8));
    locked.residency(&mut told).expect("mincore");
    fact("locked memory is there", format_args!("{told:?}"));
    fact("it holds", page(locked, 1).load(0));
    let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
    let moved = span.remap(span.len_bytes(), fixed, room(4)).expect("mremap");
    fact("what was moved since holds", moved.load(0));
    let moves = child::run(|| {
        let again = pages(moved, 1, 3)
            .remap(3 * PAGE_SIZE, fixed, room(3))
            .expect("mremap");
        assert!(
            again.load(0) == 11 && page(again, 2).load(0) == 13,
            "what was there"
        );
        page(again, 1).store(0, 1);
    });
    fact("a child moves it on", moves);
    fact(
        "its parent's",
        page(moved, 1).load(0) + page(moved, 2).load(0) + page(moved, 3).load(0),
    );
    let is_there = (0..MANY_PAGES).all(|index| page(many, index).load(0) == index as u8);
    fact("the rest", is_there);
    fact("and what was moved", page(moved, 3).load(0));
}
