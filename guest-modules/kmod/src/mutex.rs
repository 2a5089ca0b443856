//! Data that threads of programs wait for in turn.
#![allow(unsafe_code, reason = "waits in the kernel")]

use core::ops::{Deref, DerefMut};

use crate::{Errno, Guard, Lock, kernel};

/// A value that one thread at a time may use (`struct mutex`). Others wait, so a copy from or to a program, which may have to wait
/// for a page, is no fault while one has it.
#[derive(Debug)]
pub struct Mutex<T>(Lock<T>);

impl<T> Mutex<T> {
    /// Nobody has it.
    pub const fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    /// Borrows the value until the guard is dropped (`mutex_lock_interruptible`). Waits for who has it; EINTR when the calling
    /// process is to end meanwhile.
    pub fn lock(&self) -> Result<MutexGuard<'_, T>, Errno> {
        loop {
            // SAFETY: the kernel only counts.
            let seen = unsafe { kernel::changes() };
            if let Some(guard) = self.0.try_lock() {
                return Ok(MutexGuard { guard, _wakes: Wakes });
            }
            // SAFETY: the thread has nothing of the module's that another could not wait for.
            Errno::check(unsafe { kernel::wait_for_change(seen) })?;
        }
    }
}

/// Who has it.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    guard: Guard<'a, T>,
    /// After the guard, which is dropped first.
    _wakes: Wakes,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Dropped, it has all who wait look again.
#[derive(Debug)]
struct Wakes;

impl Drop for Wakes {
    fn drop(&mut self) {
        // SAFETY: the kernel wakes who waits, and touches nothing of the module's.
        unsafe { kernel::changed() };
    }
}
