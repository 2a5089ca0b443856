//! Data that threads of programs wait for in turn.
#![allow(unsafe_code, reason = "a cell that is shared, and waiting in the kernel")]

use core::cell::{Cell, UnsafeCell};
use core::ops::{Deref, DerefMut};

use crate::{Errno, kernel};

/// A value that one thread at a time may use (`struct mutex`). Others wait, so a copy from or to a program, which may have to wait
/// for a page, is no fault while one has it.
#[derive(Debug)]
pub struct Mutex<T> {
    value: UnsafeCell<T>,
    held: Cell<bool>,
}

// SAFETY: there is one processor, and a thread gives way only where it waits, so two cannot race for `held`, and `held` keeps them
// apart.
unsafe impl<T: Send> Sync for Mutex<T> {}

impl<T> Mutex<T> {
    /// Nobody has it.
    pub const fn new(value: T) -> Self {
        Self {
            value: UnsafeCell::new(value),
            held: Cell::new(false),
        }
    }

    /// Borrows the value until the guard is dropped (`mutex_lock_interruptible`). Waits for who has it; EINTR when the calling
    /// process is to end meanwhile.
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, Errno> {
        loop {
            // SAFETY: the kernel only counts.
            let seen = unsafe { kernel::changes() };
            if !self.held.replace(true) {
                return Ok(MutexGuard(self));
            }
            // SAFETY: the thread has nothing of the module's that another could not wait for.
            Errno::check(unsafe { kernel::wait_for_change(seen) })?;
        }
    }
}

/// Who has it.
#[derive(Debug)]
pub struct MutexGuard<'a, T>(&'a Mutex<T>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `held` is set while a guard lives, so there is no other borrower.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.0.held.set(false);
        // SAFETY: the kernel wakes who waits, and touches nothing of the module's.
        unsafe { kernel::changed() };
    }
}
