//! Private memory after fork: both processes begin with the same contents, and neither sees what the other stores.
#![no_std]
#![no_main]

use abi::PAGE_SIZE;
use abi::linux::mman::{MAP_PRIVATE, PROT_READ, PROT_WRITE};
use guest_user::{Arguments, Span, child, println, program};

program!(main);

const PAGES: u64 = 4;
/// The page that only the grandchild stores to.
const GRANDCHILDS_PAGE: u64 = 3;

fn main(_: Arguments) -> i32 {
    let memory = Span::map(PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE).expect("mmap");
    for page in 0..PAGES {
        memory.store(page * PAGE_SIZE, b'a');
    }
    show("parent, before fork", memory);

    in_child(|| {
        show("child, before its stores", memory);
        memory.store(0, b'b');
        memory.store(PAGE_SIZE, b'b');
        show("child, after its stores", memory);

        in_child(|| {
            show("grandchild, before its stores", memory);
            memory.store(PAGE_SIZE, b'c');
            memory.store(GRANDCHILDS_PAGE * PAGE_SIZE, b'c');
            show("grandchild, after its stores", memory);
        });
        show("child, after the grandchild", memory);
    });
    show("parent, after the child", memory);

    memory.store(0, b'd');
    show("parent, after its store", memory);
    0
}

fn in_child(body: impl FnOnce()) {
    // Waits for its end, so that the lines come in one order.
    println!("the child ended: {}", child::run(body));
}

fn show(who: &str, memory: Span) {
    let [first, second, third, fourth] =
        [0, 1, 2, GRANDCHILDS_PAGE].map(|page| char::from(memory.load(page * PAGE_SIZE)));
    println!("{who}: {first} {second} {third} {fourth}");
}
