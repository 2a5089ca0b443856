//! The line with which a program shows that what is printed comes from it: see [`abi::nonce`].

use abi::nonce::{DIGITS, INCREMENT, LAST_SHIFT, LINE_PREFIX, ROUNDS};

use crate::println;

/// Prints the line for the word that these digits are; nothing when they are no word.
pub(crate) fn tell(digits: &[u8]) {
    let text = str::from_utf8(digits).ok().filter(|text| text.len() == DIGITS);
    let word = text.and_then(|text| u64::from_str_radix(text, 16).ok());
    if let Some(word) = word {
        println!("{LINE_PREFIX}{:0DIGITS$x}", transformed(word));
    }
}

fn transformed(word: u64) -> u64 {
    let mixed = ROUNDS
        .into_iter()
        .fold(word.wrapping_add(INCREMENT), |word, (shift, multiplier)| {
            (word ^ word >> shift).wrapping_mul(multiplier)
        });
    mixed ^ mixed >> LAST_SHIFT
}
