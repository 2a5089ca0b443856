//! What a program may do with its pages.

use abi::linux::mman::{PROT_EXEC, PROT_READ, PROT_WRITE};

/// Any of read, write and execute. Write and execute imply read, because the processor has no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protection(u8);

impl Protection {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READ: Self = Self(PROT_READ as u8);
    pub(crate) const READ_WRITE: Self = Self((PROT_READ | PROT_WRITE) as u8);

    /// Bits that are no protection are dropped, as mmap does.
    pub(crate) fn from_bits_truncated(bits: u64) -> Self {
        Self((bits & (PROT_READ | PROT_WRITE | PROT_EXEC)) as u8)
    }

    /// What both allow.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::NONE
    }

    pub(crate) fn allows_write(self) -> bool {
        u64::from(self.0) & PROT_WRITE != 0
    }

    pub(crate) fn allows_execute(self) -> bool {
        u64::from(self.0) & PROT_EXEC != 0
    }
}
