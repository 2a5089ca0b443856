//! Following one virtual address.

use abi::PAGE_SIZE;
use arrayvec::ArrayVec;

use super::entry::{Defect, Entry, Level, PageSize, Permissions, Root, Target};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::inspect::PhysicalMemory;

/// Where a virtual address leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translation {
    /// The physical address, page offset included. May lie outside guest memory, as a device's does.
    pub address: PhysAddr,
    /// Size of the page.
    pub size: PageSize,
    /// What all levels together allow.
    pub permissions: Permissions,
    /// The entries of the walk, from the PML4's to the page's.
    pub entries: ArrayVec<Entry, { abi::paging::LEVELS as usize }>,
}

/// Why a virtual address leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// Bits 47 to 63 differ.
    #[error("{address} is not canonical")]
    NotCanonical {
        /// The address.
        address: VirtAddr,
    },
    /// The top table is not in guest memory.
    #[error("top page table {root} is outside guest memory")]
    RootOutsideMemory {
        /// The top table.
        root: Root,
    },
    /// An entry is not present: nothing is mapped here.
    #[error("{address} is not mapped: {entry} is not present")]
    NotPresent {
        /// The address.
        address: VirtAddr,
        /// The entry, with all its bits: they are the kernel's own.
        entry: Entry,
    },
    /// An entry is present, and yet leads nowhere.
    #[error("{address} cannot be translated: {entry} {defect}")]
    Malformed {
        /// The address.
        address: VirtAddr,
        /// The entry.
        entry: Entry,
        /// What is wrong with it.
        defect: Defect,
    },
}

/// Why bytes cannot be read through a translation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No translation.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A translation, but to something that is not memory.
    #[error("{address} is mapped to {target}, which is outside guest memory")]
    NotMemory {
        /// The virtual address.
        address: VirtAddr,
        /// What it translates to.
        target: PhysAddr,
    },
}

/// Translates `address` as the processor would, and without setting accessed bits as the processor would.
///
/// # Errors
/// If nothing is mapped there, or the tables are broken on the way.
pub fn translate(
    memory: PhysicalMemory<'_>,
    root: Root,
    address: VirtAddr,
) -> Result<Translation, WalkError> {
    follow(memory, root, address, |_| {})
}

/// The same, and `seen` is told of each entry on the way, also of those that lead nowhere in the end.
///
/// # Errors
/// If nothing is mapped there, or the tables are broken on the way.
pub fn follow(
    memory: PhysicalMemory<'_>,
    root: Root,
    address: VirtAddr,
    mut seen: impl FnMut(Entry),
) -> Result<Translation, WalkError> {
    if address.half().is_none() {
        return Err(WalkError::NotCanonical { address });
    }
    let mut entries = ArrayVec::new();
    let mut permissions = Permissions::ALL;
    let mut table = root.table();
    let mut level = Level::Pml4;
    loop {
        let at = PhysAddr(table.start().0 + 8 * level.index(address));
        let value = memory.read_u64(at).map_err(|_| match entries.last() {
            None => WalkError::RootOutsideMemory { root },
            Some(&entry) => WalkError::Malformed {
                address,
                entry,
                defect: Defect::TableOutsideMemory,
            },
        })?;
        let entry = Entry { level, at, value };
        seen(entry);
        entries.push(entry);
        permissions = permissions.restricted_by(entry);
        match entry.target() {
            Ok(Target::Nothing) => return Err(WalkError::NotPresent { address, entry }),
            Ok(Target::Table(below, next)) => (level, table) = (below, next),
            Ok(Target::Page(size, page)) => {
                let address = PhysAddr(page.0 + address.0 % size.bytes());
                return Ok(Translation {
                    address,
                    size,
                    permissions,
                    entries,
                });
            }
            Err(defect) => {
                return Err(WalkError::Malformed {
                    address,
                    entry,
                    defect,
                });
            }
        }
    }
}

/// Copies the bytes at a virtual address out, whoever may access them.
///
/// # Errors
/// If not all of them are mapped to guest memory; `to` may then hold a part of them.
pub fn read(memory: PhysicalMemory<'_>, root: Root, from: VirtAddr, to: &mut [u8]) -> Result<(), ReadError> {
    let mut address = from;
    let mut rest = to;
    while !rest.is_empty() {
        let target = translate(memory, root, address)?.address;
        let in_page = usize::try_from(PAGE_SIZE - address.page_offset()).expect("less than a page");
        let (now, later) = rest.split_at_mut(in_page.min(rest.len()));
        memory
            .copy(target, now)
            .map_err(|_| ReadError::NotMemory { address, target })?;
        // Past the last address comes 0, which the walk judges as it does any other.
        address = VirtAddr(address.0.wrapping_add(now.len() as u64));
        rest = later;
    }
    Ok(())
}

impl Translation {
    /// Frame that holds the addressed byte.
    #[must_use]
    pub const fn frame(&self) -> FrameNumber {
        self.address.frame()
    }

    /// The entry that maps the page.
    #[must_use]
    pub fn leaf(&self) -> Entry {
        *self.entries.last().expect("a walk reads at least the PML4 entry")
    }

    /// The processor has accessed the page.
    #[must_use]
    pub fn accessed(&self) -> bool {
        self.leaf().accessed()
    }

    /// The processor has written the page.
    #[must_use]
    pub fn dirty(&self) -> bool {
        self.leaf().dirty()
    }
}
