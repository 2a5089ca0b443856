//! The shadow page table: watching the page tables of another process.
#![allow(unsafe_code, reason = "system calls that change what addresses mean")]

use abi::PAGE_SIZE;
use abi::shadowpt::{
    BASE_NUMBER, BASE_VARIABLE, CLOSE, OPEN, PAGE_CONTENTS, START, STOP, ShadowPte, UserShadowPt,
};

use super::errno::Errno;
use super::raw::syscall;
use crate::{Arguments, Span, parse_number};

/// The five calls, which have numbers in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShadowPt {
    base: u64,
}

impl ShadowPt {
    /// Where the program was told that this kernel has them, in its environment ([`BASE_VARIABLE`]); or where the assignment of autumn
    /// 2024 has them.
    #[must_use]
    pub fn of_this_kernel(arguments: Arguments) -> Self {
        let told = arguments.variable(BASE_VARIABLE).and_then(parse_number);
        Self::at(told.unwrap_or(BASE_NUMBER))
    }

    /// The calls from this number on.
    #[must_use]
    pub const fn at(base: u64) -> Self {
        Self { base }
    }

    /// The number of the first of them.
    #[must_use]
    pub const fn base(self) -> u64 {
        self.base
    }

    /// shadowpt_open: a table of the target's addresses from `start` up to but without `end`, in untouched memory. Gives the end
    /// that the table has.
    pub fn open(self, target: i32, start: u64, end: u64, entries: Span) -> Result<u64, Errno> {
        let mut request = UserShadowPt {
            start_vaddr: start,
            end_vaddr: end,
            entries: entries.address() as *mut ShadowPte,
        };
        // SAFETY: the kernel changes the end in `request`, and what is in a span.
        unsafe { self.open_at(target, &raw mut request as u64) }?;
        Ok(request.end_vaddr)
    }

    /// shadowpt_open with an address at which there need be no structure.
    ///
    /// # Safety
    ///
    /// If there is one, no Rust object lies where it wants the entries, and the kernel may change its end.
    pub unsafe fn open_at(self, target: i32, request_address: u64) -> Result<u64, Errno> {
        let arguments = [i64::from(target) as u64, request_address];
        // SAFETY: the caller says that nothing of Rust's is replaced.
        unsafe { syscall(self.base + OPEN, arguments) }
    }

    /// shadowpt_close
    pub fn close(self) -> Result<u64, Errno> {
        // SAFETY: the kernel changes the span that `open` got.
        unsafe { syscall(self.base + CLOSE, []) }
    }

    /// shadowpt_start
    pub fn start(self) -> Result<u64, Errno> {
        // SAFETY: the kernel changes the span that `open` got.
        unsafe { syscall(self.base + START, []) }
    }

    /// shadowpt_stop
    pub fn stop(self) -> Result<u64, Errno> {
        // SAFETY: the kernel changes the span that `open` got.
        unsafe { syscall(self.base + STOP, []) }
    }

    /// shadowpt_page_contents: copies the frame to the span.
    pub fn page_contents(self, frame: u64, into: Span) -> Result<u64, Errno> {
        assert!(into.len_bytes() >= PAGE_SIZE, "a frame fits");
        // SAFETY: no Rust object lies in a span.
        unsafe { syscall(self.base + PAGE_CONTENTS, [frame, into.address()]) }
    }
}
