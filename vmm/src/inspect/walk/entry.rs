//! What a page-table entry says.

use std::fmt;

use abi::paging::{ACCESSED, ADDRESS_MASK, DIRTY, ENTRIES, LARGE, NO_EXECUTE, PRESENT, USER, WRITABLE};
use serde::{Deserialize, Serialize};

use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};

/// The frame of a top page table: what CR3 selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root(FrameNumber);

/// Level of a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Level 1, page table: entries map 4 KiB pages.
    Pt = 1,
    /// Level 2, page directory: entries govern 2 MiB.
    Pd = 2,
    /// Level 3, page-directory-pointer table: entries govern 1 GiB.
    Pdpt = 3,
    /// Level 4, the top: entries govern 512 GiB.
    Pml4 = 4,
}

/// Size of a mapped page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageSize {
    /// 4 KiB, mapped by a PT entry.
    Kib4,
    /// 2 MiB, mapped by a PD entry.
    Mib2,
    /// 1 GiB, mapped by a PDPT entry.
    Gib1,
}

/// What all levels of a walk together allow. Reading is always allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permissions {
    /// User mode may access the page; otherwise only the kernel.
    pub user: bool,
    /// Whoever may access the page may write it.
    pub writable: bool,
    /// Whoever may access the page may fetch instructions from it.
    pub executable: bool,
}

/// A page-table entry and where it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Level of the table that holds the entry.
    pub level: Level,
    /// Physical address of the entry.
    pub at: PhysAddr,
    /// Its contents.
    pub value: u64,
}

/// Where an entry leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The entry is not present.
    Nothing,
    /// A table of the next lower level.
    Table(Level, FrameNumber),
    /// A page.
    Page(PageSize, PhysAddr),
}

/// Why a present entry leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Defect {
    /// Bit 7 is set in a PML4 entry.
    ReservedBit,
    /// The address of a large page is not a multiple of its size.
    MisalignedLargePage,
    /// The table that the entry selects is not in guest memory.
    TableOutsideMemory,
}

impl Root {
    /// The table that a CR3 value selects; flag bits and process-context identifier are dropped.
    #[must_use]
    pub const fn from_cr3(cr3: u64) -> Self {
        Self(PhysAddr(cr3 & ADDRESS_MASK).frame())
    }

    /// The frame of the table.
    #[must_use]
    pub const fn table(self) -> FrameNumber {
        self.0
    }
}

impl Entry {
    /// Decodes the entry.
    ///
    /// # Errors
    /// If the processor would refuse the entry. Whether a table is in memory is not decided here.
    pub const fn target(self) -> Result<Target, Defect> {
        /// Bit 12 of a large page's entry selects a memory type and is no part of the address.
        const LARGE_PAT: u64 = 1 << 12;

        if self.value & PRESENT == 0 {
            return Ok(Target::Nothing);
        }
        let address = self.value & ADDRESS_MASK;
        let (size, below) = match self.level {
            Level::Pt => return Ok(Target::Page(PageSize::Kib4, PhysAddr(address))),
            Level::Pd => (PageSize::Mib2, Level::Pt),
            Level::Pdpt => (PageSize::Gib1, Level::Pd),
            Level::Pml4 if self.value & LARGE != 0 => return Err(Defect::ReservedBit),
            Level::Pml4 => return Ok(Target::Table(Level::Pdpt, PhysAddr(address).frame())),
        };
        if self.value & LARGE == 0 {
            return Ok(Target::Table(below, PhysAddr(address).frame()));
        }
        let page = PhysAddr(address & !LARGE_PAT);
        if page.0.is_multiple_of(size.bytes()) {
            Ok(Target::Page(size, page))
        } else {
            Err(Defect::MisalignedLargePage)
        }
    }

    /// The processor has used the entry.
    #[must_use]
    pub const fn accessed(self) -> bool {
        self.value & ACCESSED != 0
    }

    /// The processor has written through the entry; means something in the entry of a page only.
    #[must_use]
    pub const fn dirty(self) -> bool {
        self.value & DIRTY != 0
    }
}

impl Level {
    /// Bytes of virtual address space that one entry of a table of this level governs.
    #[must_use]
    pub const fn entry_span_bytes(self) -> u64 {
        abi::PAGE_SIZE * ENTRIES.pow(self as u32 - 1)
    }

    /// Index of the entry that governs `address`.
    #[must_use]
    pub const fn index(self, address: VirtAddr) -> u64 {
        address.0 / self.entry_span_bytes() % ENTRIES
    }

    /// Which entries of a table of this level belong to a half, as first index and number: the top table serves both.
    pub(super) const fn entries_of(self, half: Half) -> (usize, usize) {
        const ALL: usize = ENTRIES as usize;
        match (self, half) {
            (Self::Pml4, Half::User) => (0, ALL / 2),
            (Self::Pml4, Half::Kernel) => (ALL / 2, ALL / 2),
            (Self::Pt | Self::Pd | Self::Pdpt, _) => (0, ALL),
        }
    }
}

impl PageSize {
    /// The size in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Kib4 => Level::Pt.entry_span_bytes(),
            Self::Mib2 => Level::Pd.entry_span_bytes(),
            Self::Gib1 => Level::Pdpt.entry_span_bytes(),
        }
    }

    /// The size in 4 KiB frames.
    #[must_use]
    pub const fn frames(self) -> u64 {
        self.bytes() / abi::PAGE_SIZE
    }
}

impl Permissions {
    /// What holds before any entry took something away.
    pub const ALL: Self = Self {
        user: true,
        writable: true,
        executable: true,
    };

    /// What is left after an entry of the walk.
    #[must_use]
    pub const fn restricted_by(self, entry: Entry) -> Self {
        Self {
            user: self.user && entry.value & USER != 0,
            writable: self.writable && entry.value & WRITABLE != 0,
            executable: self.executable && entry.value & NO_EXECUTE == 0,
        }
    }

    /// User mode may write.
    #[must_use]
    pub const fn user_writable(self) -> bool {
        self.user && self.writable
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.start().fmt(f)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pt => "PT",
            Self::Pd => "PD",
            Self::Pdpt => "PDPT",
            Self::Pml4 => "PML4",
        })
    }
}

impl fmt::Display for PageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kib4 => "4 KiB",
            Self::Mib2 => "2 MiB",
            Self::Gib1 => "1 GiB",
        })
    }
}

/// As in `ls -l`: `user rw-`, `kernel r-x`.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.user { "user" } else { "kernel" };
        let write = if self.writable { 'w' } else { '-' };
        let execute = if self.executable { 'x' } else { '-' };
        write!(f, "{who} r{write}{execute}")
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entry {:#x} at {}", self.level, self.value, self.at)
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBit => "has reserved bit 7 set",
            Self::MisalignedLargePage => "maps a large page at an address that is not a multiple of its size",
            Self::TableOutsideMemory => "selects a table outside guest memory",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(level: Level, value: u64) -> Result<Target, Defect> {
        Entry {
            level,
            at: PhysAddr(0),
            value,
        }
        .target()
    }

    #[test]
    fn an_entry_leads_where_its_level_and_large_bit_say() {
        assert_eq!(target(Level::Pd, !PRESENT), Ok(Target::Nothing));
        assert_eq!(
            target(Level::Pml4, 0x5000 | PRESENT),
            Ok(Target::Table(Level::Pdpt, FrameNumber(5)))
        );
        assert_eq!(
            target(Level::Pdpt, 0x5000 | PRESENT),
            Ok(Target::Table(Level::Pd, FrameNumber(5)))
        );
        assert_eq!(
            target(Level::Pd, 0x5000 | PRESENT),
            Ok(Target::Table(Level::Pt, FrameNumber(5)))
        );
        assert_eq!(
            target(Level::Pt, 0x5000 | PRESENT),
            Ok(Target::Page(PageSize::Kib4, PhysAddr(0x5000)))
        );
        // Bit 7 of a PT entry is the memory type, bit 12 that of a large one.
        assert_eq!(
            target(Level::Pt, 0x5080 | PRESENT),
            Ok(Target::Page(PageSize::Kib4, PhysAddr(0x5000)))
        );
        assert_eq!(
            target(Level::Pd, 0x60_1000 | LARGE | PRESENT),
            Ok(Target::Page(PageSize::Mib2, PhysAddr(0x60_0000)))
        );
        assert_eq!(
            target(Level::Pdpt, 0x4000_0000 | LARGE | PRESENT),
            Ok(Target::Page(PageSize::Gib1, PhysAddr(0x4000_0000)))
        );
    }

    #[test]
    fn entries_that_the_processor_refuses_are_defects() {
        assert_eq!(target(Level::Pml4, LARGE | PRESENT), Err(Defect::ReservedBit));
        assert_eq!(
            target(Level::Pd, 0x10_0000 | LARGE | PRESENT),
            Err(Defect::MisalignedLargePage)
        );
        assert_eq!(
            target(Level::Pdpt, 0x20_0000 | LARGE | PRESENT),
            Err(Defect::MisalignedLargePage)
        );
    }

    #[test]
    fn each_level_takes_nine_bits_of_the_address() {
        let address = VirtAddr(0xffff_0000_0000_0000 | 1 << 39 | 2 << 30 | 3 << 21 | 4 << 12 | 5);
        let indices = [Level::Pml4, Level::Pdpt, Level::Pd, Level::Pt].map(|level| level.index(address));
        assert_eq!(indices, [1, 2, 3, 4]);
    }

    #[test]
    fn any_level_can_take_a_permission_away() {
        let entry = |value| Entry {
            level: Level::Pd,
            at: PhysAddr(0),
            value,
        };
        assert_eq!(
            Permissions::ALL.restricted_by(entry(USER | WRITABLE)),
            Permissions::ALL
        );
        let read_only = Permissions::ALL.restricted_by(entry(USER));
        assert_eq!(read_only.to_string(), "user r-x");
        assert_eq!(
            read_only.restricted_by(entry(WRITABLE | NO_EXECUTE)).to_string(),
            "kernel r--"
        );
    }
}
