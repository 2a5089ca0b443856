//! A signal, and sets of them.

use core::num::NonZeroU8;

use abi::linux::process::{SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGNALS, SIGSEGV, SIGSTOP, SIGTRAP};

/// Bad system call; with the faults it goes before all others.
const SIGSYS: u32 = 31;

/// Signals that go first, whatever their numbers: those that the program itself causes.
const SYNCHRONOUS: SignalSet = SignalSet::of(&[SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS]);
/// Signals that nobody can block.
const UNBLOCKABLE: SignalSet = SignalSet::of(&[SIGKILL, SIGSTOP]);

/// A signal's number, from 1 to [`SIGNALS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signal(NonZeroU8);

impl Signal {
    /// None when no signal has that number.
    pub(crate) fn new(number: u32) -> Option<Self> {
        if u64::from(number) > SIGNALS {
            return None;
        }
        NonZeroU8::new(number as u8).map(Self)
    }

    pub(crate) fn number(self) -> u32 {
        self.0.get().into()
    }

    fn bit(self) -> u64 {
        1 << (self.0.get() - 1)
    }
}

/// A set of signals: signal `n` is bit `n - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    pub(super) const fn of(numbers: &[u32]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < numbers.len() {
            bits |= 1 << (numbers[index] - 1);
            index += 1;
        }
        Self(bits)
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) fn contains(self, signal: Signal) -> bool {
        self.0 & signal.bit() != 0
    }

    pub(crate) fn with(self, signal: Signal) -> Self {
        Self(self.0 | signal.bit())
    }

    pub(crate) fn without(self, signal: Signal) -> Self {
        Self(self.0 & !signal.bit())
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that can be blocked and waited for.
    pub(crate) fn blockable(self) -> Self {
        self.difference(UNBLOCKABLE)
    }

    /// The one that goes first.
    pub(crate) fn first(self) -> Option<Signal> {
        let urgent = self.0 & SYNCHRONOUS.0;
        let bits = if urgent == 0 { self.0 } else { urgent };
        // Of an empty set that is 65, which no signal has.
        Signal::new(bits.trailing_zeros() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[u32]) -> SignalSet {
        SignalSet::of(numbers)
    }

    #[test]
    fn faults_go_first_and_then_the_lowest_number() {
        let mut left = set(&[2, 7, 11, 64]);
        let mut order = Vec::new();
        while let Some(signal) = left.first() {
            order.push(signal.number());
            left = left.without(signal);
        }
        assert_eq!(order, [7, 11, 2, 64]);
    }

    #[test]
    fn two_signals_cannot_be_blocked() {
        assert_eq!(
            SignalSet::from_bits(u64::MAX).blockable(),
            SignalSet::from_bits(!(1 << 8 | 1 << 18))
        );
    }

    #[test]
    fn numbers_end_at_64() {
        assert_eq!(Signal::new(0), None);
        assert_eq!(Signal::new(65), None);
        assert_eq!(Signal::new(256 + 9), None);
        assert_eq!(Signal::new(64).map(Signal::number), Some(64));
    }
}
