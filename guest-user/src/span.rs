//! Memory that Rust knows nothing of.
//!
//! Programs here map, lose, share and fault on memory on purpose. A [`Span`] is a range of addresses in which no Rust
//! object lies, so whatever becomes of it cannot break the program's own data. It promises nothing else: an access may
//! find zeros, another process's bytes, or end the process with a signal.
//!
//! **Invariant:** every access is exactly one `mov` of the named width, made by hand. A compiler may merge, widen, drop or
//! move the accesses that it makes itself; here each is a page fault or an exit to the VMM that somebody counts.
#![allow(
    unsafe_code,
    reason = "accesses that may fault are outside what Rust's references can express"
)]

use core::arch::asm;

use abi::linux::mman::{MAP_ANONYMOUS, MAP_FIXED, MREMAP_FIXED};

use crate::syscall::Errno;
use crate::syscall::memory::{
    NO_FILE, madvise, mincore, mlock, mmap, mprotect, mremap, msync, munlock, munmap,
};

/// A range of addresses in which no Rust object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    address: u64,
    len_bytes: u64,
}

impl Span {
    /// Maps anonymous memory where the kernel likes. `flags` besides `MAP_ANONYMOUS` are the caller's.
    pub fn map(len_bytes: u64, prot: u64, flags: u64) -> Result<Self, Errno> {
        Self::map_file(NO_FILE, 0, len_bytes, prot, flags | MAP_ANONYMOUS)
    }

    /// Maps a file where the kernel likes.
    pub fn map_file(
        fd: i32,
        offset_bytes: u64,
        len_bytes: u64,
        prot: u64,
        flags: u64,
    ) -> Result<Self, Errno> {
        assert!(flags & MAP_FIXED == 0, "the kernel must choose the place");
        // SAFETY: the kernel chooses a place that is free.
        let address = unsafe { mmap(0, len_bytes, prot, flags, fd, offset_bytes) }?;
        Ok(Self { address, len_bytes })
    }

    /// Names any range of addresses.
    ///
    /// # Safety
    ///
    /// No Rust object lies in it.
    #[must_use]
    pub unsafe fn at(address: u64, len_bytes: u64) -> Self {
        Self { address, len_bytes }
    }

    /// First address.
    #[must_use]
    pub fn address(self) -> u64 {
        self.address
    }

    /// The address behind the last.
    #[must_use]
    pub fn end(self) -> u64 {
        self.address + self.len_bytes
    }

    /// Length in bytes.
    #[must_use]
    pub fn len_bytes(self) -> u64 {
        self.len_bytes
    }

    /// A part of the span.
    #[must_use]
    pub fn part(self, offset_bytes: u64, len_bytes: u64) -> Self {
        let end_bytes = offset_bytes.checked_add(len_bytes);
        assert!(
            end_bytes.is_some_and(|end| end <= self.len_bytes),
            "a part lies inside the whole"
        );
        Self {
            address: self.address + offset_bytes,
            len_bytes,
        }
    }

    /// Maps anonymous memory with the span's address as mmap's: a hint, or with `MAP_FIXED` an order.
    pub fn map_here(self, prot: u64, flags: u64) -> Result<Self, Errno> {
        // SAFETY: the kernel maps over the span, where no Rust object lies, or at a place that is free.
        let address = unsafe {
            mmap(
                self.address,
                self.len_bytes,
                prot,
                flags | MAP_ANONYMOUS,
                NO_FILE,
                0,
            )
        }?;
        Ok(Self {
            address,
            len_bytes: self.len_bytes,
        })
    }

    /// munmap
    pub fn unmap(self) -> Result<u64, Errno> {
        // SAFETY: no Rust object lies in a span.
        unsafe { munmap(self.address, self.len_bytes) }
    }

    /// mprotect
    pub fn protect(self, prot: u64) -> Result<u64, Errno> {
        // SAFETY: no Rust object lies in a span.
        unsafe { mprotect(self.address, self.len_bytes, prot) }
    }

    /// madvise
    pub fn advise(self, advice: u64) -> Result<u64, Errno> {
        // SAFETY: no Rust object lies in a span.
        unsafe { madvise(self.address, self.len_bytes, advice) }
    }

    /// mremap to another length, and with flags to another place. `wanted` matters where they say that it does; a place that is ordered
    /// (`MREMAP_FIXED`) must be as long.
    pub fn remap(self, len_bytes: u64, flags: u64, wanted: Span) -> Result<Self, Errno> {
        assert!(
            flags & MREMAP_FIXED == 0 || len_bytes <= wanted.len_bytes,
            "what lies behind the place may be anybody's"
        );
        // SAFETY: no Rust object lies in a span, and where it does not order a place the kernel chooses one that is free.
        let address = unsafe { mremap(self.address, self.len_bytes, len_bytes, flags, wanted.address) }?;
        Ok(Self { address, len_bytes })
    }

    /// mlock
    pub fn lock(self) -> Result<u64, Errno> {
        mlock(self.address, self.len_bytes)
    }

    /// munlock
    pub fn unlock(self) -> Result<u64, Errno> {
        munlock(self.address, self.len_bytes)
    }

    /// mincore, into a byte for each page.
    pub fn residency(self, pages: &mut [u8]) -> Result<u64, Errno> {
        mincore(self.address, self.len_bytes, pages)
    }

    /// msync
    pub fn sync(self, flags: u64) -> Result<u64, Errno> {
        msync(self.address, self.len_bytes, flags)
    }

    /// Loads one byte.
    #[must_use]
    pub fn load(self, offset_bytes: u64) -> u8 {
        let address = self.part(offset_bytes, 1).address;
        let byte: u8;
        // SAFETY: the load changes nothing; if there is nothing to load, the process ends.
        unsafe {
            asm!("mov {}, byte ptr [{}]", out(reg_byte) byte, in(reg) address, options(nostack, preserves_flags));
        }
        byte
    }

    /// Stores one byte.
    pub fn store(self, offset_bytes: u64, byte: u8) {
        let address = self.part(offset_bytes, 1).address;
        // SAFETY: the byte stored to is inside the span and so no part of a Rust object.
        unsafe {
            asm!("mov byte ptr [{}], {}", in(reg) address, in(reg_byte) byte, options(nostack, preserves_flags));
        }
    }

    /// Loads eight bytes.
    #[must_use]
    pub fn load_u64(self, offset_bytes: u64) -> u64 {
        let address = self.part(offset_bytes, 8).address;
        let word: u64;
        // SAFETY: as in `load`.
        unsafe {
            asm!("mov {}, qword ptr [{}]", out(reg) word, in(reg) address, options(nostack, preserves_flags));
        }
        word
    }

    /// Stores eight bytes.
    pub fn store_u64(self, offset_bytes: u64, word: u64) {
        let address = self.part(offset_bytes, 8).address;
        // SAFETY: as in `store`.
        unsafe {
            asm!("mov qword ptr [{}], {}", in(reg) address, in(reg) word, options(nostack, preserves_flags));
        }
    }
}
