//! Numbers that no guest can foresee ([`Draws`]). What is drawn shows in no report of a run that passes. And numbers that only look so:
//! [`splitmix64`].

use std::hash::{BuildHasher, RandomState};

use abi::nonce::{INCREMENT, LAST_SHIFT, ROUNDS};

/// Draws numbers.
#[derive(Debug)]
pub(crate) struct Draws {
    key: RandomState,
    count: u64,
}

impl Default for Draws {
    fn default() -> Self {
        Draws {
            key: RandomState::new(),
            // Forked processes have the same keys, and draw other numbers.
            count: u64::from(std::process::id()) << u32::BITS,
        }
    }
}

impl Draws {
    pub(crate) fn next(&mut self) -> u64 {
        self.count += 1;
        self.key.hash_one(self.count)
    }

    /// A number from 0 up to `end`, which is above 0, and below it.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }
}

/// The next number of SplitMix64, a generator whose numbers look random and are the same for the same state.
pub(crate) fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(INCREMENT);
    let mut word = *state;
    for (shift, multiplier) in ROUNDS {
        word ^= word >> shift;
        word = word.wrapping_mul(multiplier);
    }
    word ^ (word >> LAST_SHIFT)
}
