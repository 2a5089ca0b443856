//! Numbers that no guest can foresee. Nothing that is drawn may show in a report.

use std::hash::{BuildHasher, RandomState};

/// Draws numbers.
#[derive(Debug, Default)]
pub(crate) struct Draws {
    key: RandomState,
    count: u64,
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
