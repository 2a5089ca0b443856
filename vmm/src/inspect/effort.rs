//! How much there may be to look at.

use std::cell::Cell;
use std::ops::ControlFlow;

/// Work that may still be done, counted in page-table entries looked at and not in time: what a report says must not depend on how
/// fast or busy the host is. Every scan draws from one; who owns it tells when it did not suffice.
///
/// A run begins with [`Effort::MOST`], and [`Effort::renew`] gives back some of it. What is used up stays used up: a guest that
/// makes one step cost that much gets no further look.
#[derive(Debug)]
pub struct Effort {
    left: Cell<u64>,
    /// Scans that found too little of it.
    cut: Cell<u64>,
}

impl Effort {
    /// Entries that can be looked at in one go: those of 131072 page tables. To map a GiB takes 515 of them.
    pub const MOST: u64 = 1 << 26;
    /// Entries that come back with each step.
    pub const EACH_STEP: u64 = 1 << 22;

    /// Room for so many entries.
    #[must_use]
    pub const fn of(entries: u64) -> Self {
        Self {
            left: Cell::new(entries),
            cut: Cell::new(0),
        }
    }

    /// Takes room for so many entries. `Break` if there is not so much: nothing is left from then on.
    pub fn spend(&self, entries: u64) -> ControlFlow<()> {
        match self.left.get().checked_sub(entries) {
            Some(left) => {
                self.left.set(left);
                ControlFlow::Continue(())
            }
            None => {
                self.left.set(0);
                self.cut.set(self.cut.get().saturating_add(1));
                ControlFlow::Break(())
            }
        }
    }

    /// A step has ended: there is room for more, unless there was too little before.
    pub fn renew(&self) {
        if self.cut.get() == 0 {
            self.left.set((self.left.get() + Self::EACH_STEP).min(Self::MOST));
        }
    }

    /// How often there was too little.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut.get()
    }
}

impl Default for Effort {
    fn default() -> Self {
        Self::of(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_enough_comes_back_and_what_was_too_little_does_not() {
        let effort = Effort::of(10);
        assert!(effort.spend(10).is_continue());
        effort.renew();
        assert!(effort.spend(Effort::EACH_STEP).is_continue());
        assert_eq!(effort.cut(), 0);
        assert!(effort.spend(1).is_break());
        effort.renew();
        assert!(effort.spend(1).is_break());
        assert_eq!(effort.cut(), 2);
    }

    #[test]
    fn steps_that_cost_nothing_save_up_no_more_than_there_was() {
        let effort = Effort::default();
        effort.renew();
        assert!(effort.spend(Effort::MOST).is_continue());
        assert!(effort.spend(1).is_break());
    }
}
