//! Exclusive access to static data.
//!
//! There is one processor and interrupts are masked in the kernel, so nothing can ever wait for a lock: one that is found
//! held is a fault in the kernel, and taking it panics.

#![allow(
    unsafe_code,
    reason = "a cell that is shared by static reference and checked at run time"
)]

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

/// A value that one borrower at a time may use.
///
/// **Invariant:** the value is the first field, so that assembly finds it at the address of the static.
#[repr(C)]
pub(crate) struct Lock<T> {
    value: UnsafeCell<T>,
    held: Cell<bool>,
}

// SAFETY: the kernel runs on one processor with interrupts masked, so two borrowers cannot race for `held`, and `held`
// keeps them apart.
unsafe impl<T> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            held: Cell::new(false),
        }
    }

    /// Borrows the value until the guard is dropped.
    #[track_caller]
    #[inline]
    pub(crate) fn lock(&self) -> Guard<'_, T> {
        assert!(!self.held.replace(true), "lock is already held");
        Guard { lock: self }
    }

    /// Address of the value, for descriptors that the processor reads.
    pub(crate) fn address(&self) -> u64 {
        self.value.get() as u64
    }
}

pub(crate) struct Guard<'a, T> {
    lock: &'a Lock<T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: `held` is set while a guard lives, so there is no other borrower.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `held` is set while a guard lives, so there is no other borrower.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.held.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    #[should_panic(expected = "lock is already held")]
    fn a_second_borrower_panics_instead_of_waiting_forever() {
        let lock = Lock::new(0);
        let _first = lock.lock();
        let _second = lock.lock();
    }

    #[test]
    fn a_dropped_guard_frees_the_lock() {
        let lock = Lock::new(1);
        *lock.lock() += 1;
        assert_eq!(*lock.lock(), 2);
    }
}
