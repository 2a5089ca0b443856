//! madvise, beyond giving pages up.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_COLD, MADV_DODUMP, MADV_DONTDUMP, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_NORMAL,
    MADV_PAGEOUT, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_WILLNEED, MAP_PRIVATE, MAP_SHARED,
    PROT_READ,
};
use guest_user::syscall::file;
use guest_user::{Span, child, println};

use crate::{
    READ_WRITE, byte_of, fact, numbered, numbered_pages, outcome, own_file, page, pages, shared_pages,
};

/// No advice has this number.
const BAD_ADVICE: u64 = 9999;
/// All that every kernel knows.
const ADVICE: [(&str, u64); 11] = [
    ("NORMAL", MADV_NORMAL),
    ("RANDOM", MADV_RANDOM),
    ("SEQUENTIAL", MADV_SEQUENTIAL),
    ("WILLNEED", MADV_WILLNEED),
    ("COLD", MADV_COLD),
    ("PAGEOUT", MADV_PAGEOUT),
    ("DONTDUMP", MADV_DONTDUMP),
    ("DODUMP", MADV_DODUMP),
    ("FREE", MADV_FREE),
    ("REMOVE", MADV_REMOVE),
    ("DONTNEED_LOCKED", MADV_DONTNEED_LOCKED),
];

pub(crate) fn facts() {
    let private = numbered_pages(3);
    for (name, advice) in ADVICE {
        told(name, private, advice);
    }
    private.store(0, 1);
    private.advise(MADV_FREE).expect("madvise");
    private.store(0, 2);
    fact("a store after FREE", private.load(0));
    fact(
        "a child's FREE",
        child::run(|| private.advise(MADV_FREE).map(drop).expect("madvise")),
    );
    fact("leaves its parent's", private.load(0));
    page(private, 0).unmap().expect("munmap");
    for (name, advice) in [("COLD", MADV_COLD), ("RANDOM", MADV_RANDOM), ("FREE", MADV_FREE)] {
        println!("  {name} over a hole: {}", outcome(private.advise(advice)));
    }
    shared();
    files();
    locked();
}

/// A fact about advice on the two later pages of three: they hold 11 and 12 before.
fn told(name: &str, span: Span, advice: u64) {
    let result = pages(span, 1, 2).advise(advice);
    let [first, second, third] = [0, 1, 2].map(|index| page(span, index).load(0));
    println!("  {name}: {}, then {first} {second} {third}", outcome(result));
}

fn shared() {
    let shared = numbered(shared_pages(3));
    for (name, advice) in [
        ("FREE", MADV_FREE),
        ("PAGEOUT", MADV_PAGEOUT),
        ("WILLNEED", MADV_WILLNEED),
    ] {
        println!("  {name} of shared memory");
        told(name, shared, advice);
    }
    fact(
        "a child's REMOVE",
        child::run(|| page(shared, 1).advise(MADV_REMOVE).map(drop).expect("madvise")),
    );
    fact("its parent finds", page(shared, 1).load(0));
    page(shared, 1).store(0, 4);
    fact(
        "a child finds a later store",
        child::run(|| assert!(page(shared, 1).load(0) == 4, "the store")),
    );
    told("REMOVE", shared, MADV_REMOVE);
}

fn files() {
    let (fd, _) = own_file();
    let map = |flags| Span::map_file(fd, 0, PAGE_SIZE, PROT_READ, flags).expect("mmap");
    for (kind, span) in [("private", map(MAP_PRIVATE)), ("shared", map(MAP_SHARED))] {
        println!("  a {kind} mapping of a file");
        for (name, advice) in ADVICE {
            fact(name, outcome(span.advise(advice)));
        }
        fact("it holds", span.load(0) == byte_of(fd, 0));
    }
    file::close(fd).expect("close");
    let fd = file::memory_file(c"facts", 0).expect("memfd_create");
    file::write(fd, b"contents").expect("write");
    let memory = Span::map_file(fd, 0, PAGE_SIZE, READ_WRITE, MAP_SHARED).expect("mmap");
    memory.store(1, b'O');
    fact("REMOVE of a file of memory", outcome(memory.advise(MADV_REMOVE)));
    fact("it holds", memory.load(1));
    fact("and the file", byte_of(fd, 0));
    file::close(fd).expect("close");
}

fn locked() {
    let span = numbered_pages(3);
    page(span, 1).lock().expect("mlock");
    println!("  locked memory");
    for (name, advice) in [
        ("DONTNEED", MADV_DONTNEED),
        ("FREE", MADV_FREE),
        ("COLD", MADV_COLD),
        ("PAGEOUT", MADV_PAGEOUT),
        ("REMOVE", MADV_REMOVE),
        ("WILLNEED", MADV_WILLNEED),
        ("DONTNEED_LOCKED", MADV_DONTNEED_LOCKED),
    ] {
        told(name, span, advice);
    }
    fact("advice that nobody knows", outcome(span.advise(BAD_ADVICE)));
}
