//! The kernel's own account of its frames, held against the owners.
//!
//! The account is a claim from beginning to end, its address and length included. A kernel that publishes none can be
//! judged all the same; one that does gives away its reference-counting faults before they do damage.

use abi::frame_table::{
    FrameInfo, HEAP, INFO_BYTES, KERNEL_IMAGE, KERNEL_STACK, PAGE_TABLE, SHADOW_TABLE, VMALLOC,
    frame_kind_name,
};

use super::owners::{Owner, Owners, TableUse};
use super::{Findings, OutsideMemory, PhysicalMemory};
use crate::address::{FrameNumber, Half, PhysAddr};

/// Copy of the table, as long as guest memory has frames at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameTable {
    entries: Vec<FrameInfo>,
}

/// Why the published table cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameTableError {
    /// It describes more frames than there are.
    #[error("frame table describes {count} frames, but guest memory has {frames}")]
    TooLong {
        /// Number of entries that the guest claims.
        count: u64,
        /// Number of frames of guest memory.
        frames: u64,
    },
    /// It is not in memory.
    #[error("frame table is not in guest memory: {0}")]
    OutsideMemory(#[from] OutsideMemory),
}

/// Where the account contradicts the page tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameTableFinding {
    /// A free frame is mapped.
    #[error("frame {frame} is free by the kernel's account, but mapped by {owner}")]
    FreeFrameMapped {
        /// The frame.
        frame: FrameNumber,
        /// Who maps it.
        owner: Owner,
    },
    /// A free frame is a page table.
    #[error("frame {frame} is free by the kernel's account, but is {table}")]
    FreeFrameIsPageTable {
        /// The frame.
        frame: FrameNumber,
        /// Whose page table it is.
        table: TableUse,
    },
    /// A page table is something else.
    #[error("frame {frame} is {} by the kernel's account, but is {table}", frame_kind_name(*kind).unwrap_or("?"))]
    PageTableIsOther {
        /// The frame.
        frame: FrameNumber,
        /// What the kernel calls it, one of the kinds of [`abi::frame_table`].
        kind: u16,
        /// Whose page table it is.
        table: TableUse,
    },
    /// A frame will be freed while it is still mapped.
    #[error(
        "frame {frame} has {references} references by the kernel's account, but {mappings} user mappings"
    )]
    TooFewReferences {
        /// The frame.
        frame: FrameNumber,
        /// References that the kernel counts.
        references: u32,
        /// Mappings that users have.
        mappings: usize,
    },
    /// A frame that the kernel calls its own is mapped for a user.
    #[error("frame {frame} is {} by the kernel's account, but mapped by {owner}", frame_kind_name(*kind).unwrap_or("?"))]
    KernelFrameMapped {
        /// The frame.
        frame: FrameNumber,
        /// What the kernel calls it, one of the kinds of [`abi::frame_table`].
        kind: u16,
        /// Who maps it.
        owner: Owner,
    },
    /// A frame is mapped that the account leaves out.
    #[error("frame {frame} is missing from the kernel's account, but mapped by {owner}")]
    NotDescribed {
        /// The frame.
        frame: FrameNumber,
        /// Who maps it.
        owner: Owner,
    },
}

impl FrameTable {
    /// Copies the table of `count` entries at `base` out.
    ///
    /// # Errors
    /// If such a table cannot be.
    pub fn read(memory: PhysicalMemory<'_>, base: PhysAddr, count: u64) -> Result<Self, FrameTableError> {
        let frames = memory.frames();
        if count > frames {
            return Err(FrameTableError::TooLong { count, frames });
        }
        let len = usize::try_from(count).expect("guest memory fits in the host's");
        let mut bytes = vec![0; len * INFO_BYTES];
        memory.copy(base, &mut bytes)?;
        Ok(Self {
            entries: bytes.as_chunks().0.iter().copied().map(frame_info).collect(),
        })
    }

    /// Account of a frame; `None` if the table does not reach so far.
    #[must_use]
    pub fn get(&self, frame: FrameNumber) -> Option<FrameInfo> {
        self.entries.get(usize::try_from(frame.0).ok()?).copied()
    }

    /// All frames that the table describes, in ascending order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (FrameNumber, FrameInfo)> + '_ {
        self.entries
            .iter()
            .enumerate()
            .map(|(frame, info)| (FrameNumber(frame as u64), *info))
    }
}

/// Holds the account against the owners. One finding for each frame and use.
#[must_use]
pub fn check(table: &FrameTable, owners: &Owners) -> Findings<FrameTableFinding> {
    let mut findings = Findings::new();
    for (frame, owner, mappings) in mapped_by_users(owners) {
        findings.extend(match table.get(frame) {
            Some(info) => check_mapped(info, frame, owner, mappings),
            None => Some(FrameTableFinding::NotDescribed { frame, owner }),
        });
    }
    for tables in owners.tables().chunk_by(|a, b| a.frame == b.frame) {
        let info = table.get(tables[0].frame);
        findings.extend(info.and_then(|info| check_tables(info, tables)));
    }
    findings
}

/// Every frame that users map, with the first of its mappings, and how many there are.
pub fn mapped_by_users(owners: &Owners) -> impl Iterator<Item = (FrameNumber, Owner, usize)> + '_ {
    owners.by_frame().filter_map(|(frame, owners)| {
        let mut users = owners.filter(|owner| owner.permissions.user);
        let mappings = users.clone().count();
        Some((frame, users.next()?, mappings))
    })
}

/// Holds what is said of one frame against its uses as a page table. Tables of the kernel half may be parts of its image.
pub(super) fn check_tables(
    FrameInfo { references, kind, .. }: FrameInfo,
    uses: &[TableUse],
) -> Option<FrameTableFinding> {
    let frame = uses[0].frame;
    if references == 0 {
        let table = uses[0];
        return Some(FrameTableFinding::FreeFrameIsPageTable { frame, table });
    }
    let of_user = uses.iter().find(|table| table.address.half() == Some(Half::User));
    let table = *of_user.filter(|_| kind != PAGE_TABLE)?;
    Some(FrameTableFinding::PageTableIsOther { frame, kind, table })
}

/// Holds what is said of one frame against its mappings.
pub(super) fn check_mapped(
    FrameInfo { references, kind, .. }: FrameInfo,
    frame: FrameNumber,
    owner: Owner,
    mappings: usize,
) -> Option<FrameTableFinding> {
    if references == 0 {
        return Some(FrameTableFinding::FreeFrameMapped { frame, owner });
    }
    if let KERNEL_IMAGE | PAGE_TABLE | HEAP | KERNEL_STACK | VMALLOC = kind {
        return Some(FrameTableFinding::KernelFrameMapped { frame, kind, owner });
    }
    if kind == SHADOW_TABLE && owner.permissions.writable {
        return Some(FrameTableFinding::KernelFrameMapped { frame, kind, owner });
    }
    (u64::from(references) < mappings as u64).then_some(FrameTableFinding::TooFewReferences {
        frame,
        references,
        mappings,
    })
}

/// An entry of the account.
#[must_use]
pub fn frame_info(bytes: [u8; INFO_BYTES]) -> FrameInfo {
    let [r0, r1, r2, r3, k0, k1, p0, p1] = bytes;
    FrameInfo {
        references: u32::from_le_bytes([r0, r1, r2, r3]),
        kind: u16::from_le_bytes([k0, k1]),
        private: u16::from_le_bytes([p0, p1]),
    }
}
