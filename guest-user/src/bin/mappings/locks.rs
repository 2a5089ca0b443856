//! mlock and its like.

use abi::PAGE_SIZE;
use abi::linux::mman::{
    MADV_DONTNEED, MAP_LOCKED, MAP_PRIVATE, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT,
    MREMAP_MAYMOVE, PROT_NONE, PROT_READ,
};
use abi::linux::process::RLIMIT_MEMLOCK;
use guest_user::syscall::memory::{mlock, mlock2, mlockall, munlockall};
use guest_user::syscall::{credentials, file, process};
use guest_user::{Span, child};

use crate::{READ_WRITE, fact, numbered_pages, outcome, own_file, page, private_pages};

/// A flag that has no meaning.
const BAD_FLAG: u64 = 0x80;
/// Someone who is not the superuser.
const USER: u32 = 1000;
/// More than that one may lock.
const MANY_BYTES: u64 = 9 << 20;

pub(crate) fn facts() {
    let span = private_pages(4);
    fact(
        "two pages, by a part of each",
        outcome(span.part(PAGE_SIZE - 1, 2).lock()),
    );
    fact("are there", there(span));
    fact("they are given up", given_up(page(span, 1)));
    fact("their neighbour is", given_up(page(span, 2)));
    fact(
        "in a child they are",
        child::run(|| page(span, 1).advise(MADV_DONTNEED).map(drop).expect("madvise")),
    );
    fact("unlocked", outcome(page(span, 1).unlock()));
    fact("one is given up", given_up(page(span, 1)));
    fact("the other is", given_up(page(span, 0)));
    fact("no length", outcome(span.part(5, 0).lock()));
    fact(
        "a range that wraps around",
        outcome(mlock(span.address(), u64::MAX - PAGE_SIZE)),
    );
    fact(
        "with their first access",
        outcome(mlock2(span.address(), 4 * PAGE_SIZE, MLOCK_ONFAULT)),
    );
    fact("are there", there(span));
    fact("one is given up", given_up(page(span, 3)));
    fact(
        "a flag that nobody knows",
        outcome(mlock2(span.address(), PAGE_SIZE, BAD_FLAG)),
    );
    page(span, 2).unmap().expect("munmap");
    fact("over a hole", outcome(span.lock()));
    fact("what is before it", there(page(span, 1)));
    fact("unlocked over a hole", outcome(span.unlock()));
    fact("what is before it", given_up(page(span, 1)));
    kinds();
    moved();
    all();
}

/// Memory that is not simply there.
fn kinds() {
    let read_only = Span::map(PAGE_SIZE, PROT_READ, MAP_PRIVATE).expect("mmap");
    fact("memory to be read", outcome(read_only.lock()));
    fact("is there", there(read_only));
    let hidden = Span::map(PAGE_SIZE, PROT_NONE, MAP_PRIVATE).expect("mmap");
    fact("memory that nobody can reach", outcome(hidden.lock()));
    fact("it is locked", given_up(hidden));
    let (fd, len_bytes) = own_file();
    let bytes = (len_bytes / PAGE_SIZE + 2) * PAGE_SIZE;
    let map = |flags| Span::map_file(fd, 0, bytes, PROT_READ, MAP_PRIVATE | flags);
    let whole = map(0).expect("mmap");
    fact("more than a file", outcome(whole.lock()));
    fact("all of it", outcome(page(whole, 0).lock()));
    fact("mapped so", outcome(map(MAP_LOCKED)));
    file::close(fd).expect("close");
    let mapped = Span::map(2 * PAGE_SIZE, READ_WRITE, MAP_PRIVATE | MAP_LOCKED).expect("mmap");
    fact("memory that is mapped so", there(mapped));
    fact("it is given up", given_up(mapped));
}

/// Locked memory that moves, or becomes longer.
fn moved() {
    let span = numbered_pages(1);
    span.lock().expect("mlock");
    let longer = span.remap(4 * PAGE_SIZE, MREMAP_MAYMOVE, span).expect("mremap");
    fact("longer, its pages", there(longer));
    fact("it holds", longer.load(0));
    fact("they are given up", given_up(longer));
    child::run(|| ());
    longer.store(0, 3);
    fact("after a fork and a store they are", given_up(longer));
}

fn all() {
    let span = private_pages(2);
    fact("no flag", outcome(mlockall(0)));
    fact("a flag that nobody knows", outcome(mlockall(BAD_FLAG)));
    fact("only how", outcome(mlockall(MCL_ONFAULT)));
    fact("all that there is", outcome(mlockall(MCL_CURRENT)));
    fact("is there", there(span));
    fact("what comes later", there(private_pages(2)));
    fact("all that comes later", outcome(mlockall(MCL_FUTURE)));
    fact("is there", there(private_pages(2)));
    fact("what there is, is locked still", given_up(span));
    fact(
        "with the first access",
        outcome(mlockall(MCL_FUTURE | MCL_ONFAULT)),
    );
    let late = private_pages(2);
    fact("it is there", there(late));
    fact("it is given up", given_up(late));
    fact(
        "a child's is",
        child::run(|| private_pages(1).advise(MADV_DONTNEED).map(drop).expect("madvise")),
    );
    fact("none", outcome(munlockall()));
    fact("what there is, is given up", given_up(span));
    fact("what comes later", given_up(private_pages(1)));
}

/// What those may lock who are not the superuser.
pub(crate) fn limits() {
    let limit = process::limit(RLIMIT_MEMLOCK).expect("prlimit64");
    fact("so many bytes may be locked", limit);
    let user = |body: fn()| {
        child::run(|| {
            credentials::set_user_id(USER).expect("setuid");
            body();
        })
    };
    fact(
        "for the superuser that is no limit",
        child::run(|| {
            let many = Span::map(MANY_BYTES, PROT_READ, MAP_PRIVATE).expect("mmap");
            mlock2(many.address(), MANY_BYTES, MLOCK_ONFAULT)
                .map(drop)
                .expect("mlock2");
        }),
    );
    fact(
        "for others it is one",
        user(|| {
            let many = Span::map(MANY_BYTES, PROT_READ, MAP_PRIVATE).expect("mmap");
            fact("  more", outcome(many.lock()));
            fact("  a part", outcome(page(many, 0).lock()));
            fact("  the same part again", outcome(page(many, 0).lock()));
            let most = many.part(0, 8 << 20);
            fact(
                "  as much",
                outcome(mlock2(most.address(), most.len_bytes(), MLOCK_ONFAULT)),
            );
            fact("  another page", outcome(page(many, 2048).lock()));
            fact(
                "  mapped so",
                outcome(Span::map(PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_LOCKED)),
            );
            fact(
                "  longer",
                outcome(page(most, 2047).remap(2 * PAGE_SIZE, MREMAP_MAYMOVE, most)),
            );
            fact("  all", outcome(mlockall(MCL_CURRENT)));
        }),
    );
}

/// Which pages are in memory.
fn there(span: Span) -> impl core::fmt::Display {
    let mut told = [0; 4];
    let count = (span.len_bytes() / PAGE_SIZE) as usize;
    span.residency(&mut told).expect("mincore");
    core::fmt::from_fn(move |formatter| write!(formatter, "{:?}", &told[..count]))
}

/// Whether pages are given up when that is asked for.
fn given_up(span: Span) -> impl core::fmt::Display {
    outcome(span.advise(MADV_DONTNEED))
}
