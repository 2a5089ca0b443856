//! Guest addresses, one type for each address space they live in.
//!
//! The number inside is public because every 64-bit value is a possible address of a hostile guest: these types keep
//! kinds of addresses apart, they promise nothing about validity.

use std::fmt;

use abi::{PAGE_SHIFT, PAGE_SIZE};
use serde::{Deserialize, Serialize};

/// Guest physical address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PhysAddr(pub u64);

/// Guest virtual address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct VirtAddr(pub u64);

/// Number of a 4 KiB frame: a guest physical address without its page offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct FrameNumber(pub u64);

/// Half of the canonical virtual address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// The lower half: a process's own.
    User,
    /// The upper half: the kernel's.
    Kernel,
}

impl PhysAddr {
    /// Frame that holds the addressed byte.
    #[must_use]
    pub const fn frame(self) -> FrameNumber {
        FrameNumber(self.0 >> PAGE_SHIFT)
    }

    /// Distance from the start of the frame, in bytes.
    #[must_use]
    pub const fn page_offset(self) -> u64 {
        self.0 % PAGE_SIZE
    }

    /// The address `bytes` further on, unless that overflows.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }
}

impl VirtAddr {
    /// Half of the address space that the address is in; `None` for a non-canonical address.
    #[must_use]
    pub const fn half(self) -> Option<Half> {
        const KERNEL_START: u64 = 0u64.wrapping_sub(abi::paging::USER_END);
        match self.0 {
            0..abi::paging::USER_END => Some(Half::User),
            KERNEL_START.. => Some(Half::Kernel),
            _ => None,
        }
    }

    /// First address of the page.
    #[must_use]
    pub const fn page_start(self) -> Self {
        Self(self.0 - self.page_offset())
    }

    /// Distance from the start of the 4 KiB page, in bytes.
    #[must_use]
    pub const fn page_offset(self) -> u64 {
        self.0 % PAGE_SIZE
    }

    /// The address `bytes` further on, unless that overflows.
    #[must_use]
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }
}

impl FrameNumber {
    /// First address of the frame. Frame numbers that no 64-bit address can have wrap around.
    #[must_use]
    pub const fn start(self) -> PhysAddr {
        PhysAddr(self.0 << PAGE_SHIFT)
    }
}

impl From<FrameNumber> for PhysAddr {
    fn from(frame: FrameNumber) -> Self {
        frame.start()
    }
}

macro_rules! show_in_hex {
    ($($type:ident),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:#x}", self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:#x})"), self.0)
            }
        }
    )*};
}
show_in_hex!(PhysAddr, VirtAddr, FrameNumber);

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user half",
            Self::Kernel => "kernel half",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_meet_the_non_canonical_hole_at_its_edges() {
        assert_eq!(VirtAddr(0x0000_7fff_ffff_ffff).half(), Some(Half::User));
        assert_eq!(VirtAddr(0x0000_8000_0000_0000).half(), None);
        assert_eq!(VirtAddr(0xffff_7fff_ffff_ffff).half(), None);
        assert_eq!(VirtAddr(0xffff_8000_0000_0000).half(), Some(Half::Kernel));
    }

    #[test]
    fn addresses_are_shown_in_hex() {
        assert_eq!(PhysAddr(0x20_1fff).to_string(), "0x201fff");
        assert_eq!(format!("{:?}", PhysAddr(0x20_1fff).frame()), "FrameNumber(0x201)");
        assert_eq!(VirtAddr(0x20_1fff).page_start(), VirtAddr(0x20_1000));
    }
}
