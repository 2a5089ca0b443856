//! One value in the kernel's heap.
#![allow(unsafe_code, reason = "memory by address, from the kernel and back to it")]

use core::ops::Deref;

use crate::{Errno, PAGE_SIZE, kernel};

/// A value with a fixed address, given back when dropped.
#[derive(Debug)]
pub(crate) struct Boxed<T>(*mut T);

impl<T> Boxed<T> {
    /// ENOMEM if there is no memory for it.
    pub(crate) fn new(value: T) -> Result<Self, Errno> {
        const { assert!(align_of::<T>() <= 16 && size_of::<T>() <= PAGE_SIZE) };
        // SAFETY: taking memory touches none that anyone has.
        let memory = unsafe { kernel::kmalloc(size_of::<T>().max(1)) }.cast::<T>();
        if memory.is_null() {
            return Err(Errno::ENOMEM);
        }
        // SAFETY: the kernel has just given so many bytes there, aligned to 16.
        unsafe { memory.write(value) };
        Ok(Self(memory))
    }

    pub(crate) fn address(&self) -> *const u8 {
        self.0.cast()
    }

    /// Leaves the value to who knows its address.
    pub(crate) fn leave(self) -> u64 {
        core::mem::ManuallyDrop::new(self).0 as u64
    }

    /// The value, which moves out.
    pub(crate) fn into_inner(self) -> T {
        let memory = core::mem::ManuallyDrop::new(self).0;
        // SAFETY: the value is there, and whoever had it is forgotten.
        let value = unsafe { memory.read() };
        // SAFETY: as in `drop`.
        unsafe { kernel::kfree(memory.cast()) };
        value
    }

    /// Takes back what was left.
    ///
    /// # Safety
    ///
    /// `leave` has given the address, and nobody has taken it back.
    pub(crate) unsafe fn adopt(address: u64) -> Self {
        Self(address as *mut T)
    }
}

impl<T> Deref for Boxed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value is there as long as `self`, which alone has it.
        unsafe { &*self.0 }
    }
}

impl<T> Drop for Boxed<T> {
    fn drop(&mut self) {
        // SAFETY: the value is there, and nobody has it any more.
        unsafe { self.0.drop_in_place() };
        // SAFETY: the memory came from `kmalloc`, and nobody has it any more.
        unsafe { kernel::kfree(self.0.cast()) };
    }
}

// SAFETY: it owns its value.
unsafe impl<T: Send> Send for Boxed<T> {}

// SAFETY: shared, it gives shared references alone.
unsafe impl<T: Sync> Sync for Boxed<T> {}
