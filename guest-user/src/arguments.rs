//! The program's arguments and environment, read where the kernel put them.
#![allow(
    unsafe_code,
    reason = "argv and envp are arrays of C strings on the initial stack"
)]

use core::ffi::{CStr, c_char};

/// The arguments of the program, its name first, and its environment. Byte strings: nothing says that they are UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Arguments {
    values: &'static [*const c_char],
    /// Pointers to the settings, and a null pointer.
    environment: *const *const c_char,
}

impl Arguments {
    /// Reads argc and finds argv and envp.
    ///
    /// # Safety
    ///
    /// `stack` points at argc, followed by argc pointers and a null pointer, and then by pointers to NUL-terminated strings and a null
    /// pointer; all of that stays unchanged.
    pub(crate) unsafe fn from_initial_stack(stack: *const u64) -> Self {
        // SAFETY: the caller says that argc is there.
        let count = unsafe { stack.read() } as usize;
        let first = stack.wrapping_add(1).cast::<*const c_char>();
        // SAFETY: the caller says that `count` pointers follow argc and stay unchanged.
        let values = unsafe { core::slice::from_raw_parts(first, count) };
        let environment = first.wrapping_add(count + 1);
        Self { values, environment }
    }

    /// Argument number `index`; 0 is the program's name.
    #[must_use]
    pub fn get(self, index: usize) -> Option<&'static [u8]> {
        self.c_str(index).map(CStr::to_bytes)
    }

    /// As [`Self::get`], with the NUL that a system call wants.
    #[must_use]
    pub fn c_str(self, index: usize) -> Option<&'static CStr> {
        let value = *self.values.get(index)?;
        // SAFETY: `from_initial_stack` was promised NUL-terminated strings that stay unchanged.
        Some(unsafe { CStr::from_ptr(value) })
    }

    /// All arguments in order.
    pub fn iter(self) -> impl Iterator<Item = &'static [u8]> {
        (0..self.values.len()).filter_map(move |index| self.get(index))
    }

    /// The value of the variable `name` in the program's environment.
    #[must_use]
    pub fn variable(self, name: &str) -> Option<&'static [u8]> {
        let mut next = self.environment;
        loop {
            // SAFETY: `from_initial_stack` was promised pointers up to a null pointer, behind which this does not go.
            let setting = unsafe { next.read() };
            if setting.is_null() {
                return None;
            }
            // SAFETY: `from_initial_stack` was promised NUL-terminated strings that stay unchanged.
            let setting = unsafe { CStr::from_ptr(setting) }.to_bytes();
            let value = setting
                .strip_prefix(name.as_bytes())
                .and_then(|rest| rest.strip_prefix(b"="));
            if value.is_some() {
                return value;
            }
            next = next.wrapping_add(1);
        }
    }
}

/// A number as people write it: decimal, or hexadecimal after `0x`.
#[must_use]
pub fn parse_number(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
