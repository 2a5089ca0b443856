//! A large zero-initialised array: zero at first, each page one's own, and nothing beyond its end. Ends with SIGSEGV.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use abi::PAGE_SIZE;
use guest_user::{Arguments, Span, println, program};

program!(main);

/// A mebibyte.
const WORDS: usize = 1 << 18;
/// How far beyond the array the last store goes: past all that the program has there besides.
const WILD_BYTES: u64 = 64 * PAGE_SIZE;

static ARRAY: [AtomicU32; WORDS] = [const { AtomicU32::new(0) }; WORDS];

fn main(_: Arguments) -> i32 {
    println!("words that are zero at first: {} of {WORDS}", count(|_| 0));
    for (index, word) in ARRAY.iter().enumerate() {
        word.store(!index as u32, Relaxed);
    }
    println!(
        "words that hold what was stored: {} of {WORDS}",
        count(|index| !index as u32)
    );
    println!("now a wild store past the end");
    wild_store();
    println!("testbss FAIL: still alive");
    1
}

fn count(expected: impl Fn(usize) -> u32) -> usize {
    let is_right = |(index, word): &(usize, &AtomicU32)| word.load(Relaxed) == expected(*index);
    ARRAY.iter().enumerate().filter(is_right).count()
}

#[allow(unsafe_code, reason = "names an address at which nothing is")]
fn wild_store() {
    let end = ARRAY.as_ptr() as u64 + size_of_val(&ARRAY) as u64;
    // SAFETY: the program's last segment ends before that, and nothing is mapped there.
    unsafe { Span::at(end + WILD_BYTES, 1) }.store(0, 1);
}
