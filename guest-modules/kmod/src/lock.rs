//! Data that a module's functions share.
#![allow(
    unsafe_code,
    reason = "a cell that is shared by static reference and checked at run time"
)]

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

/// A value that one borrower at a time may use.
///
/// Nothing interrupts the kernel, so nobody could wait for it: taking one that is taken is a fault in the module, and stops
/// the machine. Who has it copies nothing from or to a program, which may mean waiting for a page: see [`Mutex`](crate::Mutex).
#[derive(Debug)]
pub struct Lock<T> {
    value: UnsafeCell<T>,
    held: Cell<bool>,
}

// SAFETY: there is one processor, and a thread gives way only where it waits, so two borrowers cannot race for `held`, and `held`
// keeps them apart.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// Nobody has it.
    pub const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            held: Cell::new(false),
        }
    }

    /// Borrows the value until the guard is dropped.
    ///
    /// # Panics
    ///
    /// When somebody has it.
    #[track_caller]
    pub fn lock(&self) -> Guard<'_, T> {
        self.try_lock().expect("lock is already held")
    }

    /// Borrows the value, unless somebody has it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        (!self.held.replace(true)).then(|| Guard(self))
    }
}

/// Who has it.
#[derive(Debug)]
pub struct Guard<'a, T>(&'a Lock<T>);

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `held` is set while a guard lives, so there is no other borrower.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: `held` is set while a guard lives, so there is no other borrower.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.0.held.set(false);
    }
}
