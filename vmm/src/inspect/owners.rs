//! Who maps each frame, and which frames are page tables.
//!
//! A process owns what its user half maps. Kernel mappings own nothing: a kernel maps all of memory anyway.

use std::fmt;
use std::ops::ControlFlow;

use super::walk::{Anomaly, Descend, Level, Mapping, PageSize, Permissions, Root, Scanner, Table, Visitor};
use super::{Effort, Findings, FrameSet, PhysicalMemory};
use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};

/// Name of an address space: the process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpaceId(pub u32);

/// An address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Its name.
    pub id: SpaceId,
    /// Its top page table.
    pub root: Root,
}

/// One mapping of a frame in the user half of an address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Who maps it.
    pub space: SpaceId,
    /// First virtual address at which the frame can be seen.
    pub address: VirtAddr,
    /// What the mapping allows. A kernel may keep pages in the user half that users cannot access.
    pub permissions: Permissions,
}

/// One use of a frame as a page table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableUse {
    /// The frame.
    pub frame: FrameNumber,
    /// Address space whose table it is. Tables of the kernel half are usually everyone's; the first one stands for all.
    pub space: SpaceId,
    /// Its level.
    pub level: Level,
    /// First virtual address that it governs; the top table governs both halves.
    pub address: VirtAddr,
}

/// A page in a user half that is not guest memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideMapping {
    /// Who maps it, and where.
    pub owner: Owner,
    /// What it maps.
    pub target: PhysAddr,
    /// Size of the page.
    pub size: PageSize,
}

/// An anomaly in the tables of an address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("in {space}: {anomaly}")]
pub struct SpaceAnomaly {
    /// The address space.
    pub space: SpaceId,
    /// What is odd.
    pub anomaly: Anomaly,
}

/// Who maps each frame, at one moment.
#[derive(Clone, Debug)]
pub struct Owners {
    records: Vec<Record>,
    tables: Vec<TableUse>,
    outside: Findings<OutsideMapping>,
    anomalies: Findings<SpaceAnomaly>,
}

/// An [`Owner`] and its frame in 16 bytes: there may be hundreds of thousands. Sorts by frame, space, address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    frame: u32,
    space: SpaceId,
    /// The address's page offset, always 0, holds the permissions.
    address_and_permissions: u64,
}

impl Owners {
    /// Most mappings that are recorded, 2 GiB of pages: twice the largest guest's memory.
    pub const LIMIT: usize = 2 * (abi::boot::MAX_MEMORY_MIB << 20 >> abi::PAGE_SHIFT) as usize;

    /// Scans address spaces. What could not be seen is among [`Owners::anomalies`].
    #[must_use]
    pub fn of_spaces(memory: PhysicalMemory<'_>, spaces: &[Space], effort: &Effort) -> Self {
        Self::of_spaces_some_known(memory, spaces, effort, |_| None)
    }

    /// The same where the tables of some kernel halves are known, as a scan of the address space meets them: those are not scanned again.
    #[must_use]
    pub fn of_spaces_some_known<'k>(
        memory: PhysicalMemory<'_>,
        spaces: &[Space],
        effort: &Effort,
        known: impl Fn(Root) -> Option<&'k [Table]>,
    ) -> Self {
        let mut owners = Self {
            records: Vec::new(),
            tables: Vec::new(),
            outside: Findings::new(),
            anomalies: Findings::new(),
        };
        let mut user_scanner = Scanner::new(memory, Half::User, effort);
        let mut kernel_scanner = Scanner::new(memory, Half::Kernel, effort);
        let mut kernel_top_entries = FrameSet::new(memory.frames());
        for &Space { id: space, root } in spaces {
            let mut user_half = UserHalf {
                memory,
                space,
                owners: &mut owners,
            };
            let mut scanned = user_scanner.scan(root, &mut user_half);
            if scanned.is_continue() {
                let mut kernel_half = KernelTables {
                    space,
                    top_entries: &mut kernel_top_entries,
                    owners: &mut owners,
                };
                match known(root) {
                    Some(tables) => kernel_half.take(tables),
                    None => scanned = kernel_scanner.scan(root, &mut kernel_half),
                }
            }
            if scanned.is_break() {
                break;
            }
        }
        owners.records.sort_unstable();
        owners.tables.sort_unstable();
        owners
    }

    /// Mappings of a frame, by address space and address.
    pub fn of(&self, frame: FrameNumber) -> impl ExactSizeIterator<Item = Owner> + Clone + '_ {
        let start = self
            .records
            .partition_point(|record| u64::from(record.frame) < frame.0);
        let records = &self.records[start..];
        let len = records.partition_point(|record| u64::from(record.frame) == frame.0);
        records[..len].iter().map(Record::owner)
    }

    /// Every frame that is mapped in a user half, ascending, with its mappings.
    pub fn by_frame(
        &self,
    ) -> impl Iterator<Item = (FrameNumber, impl ExactSizeIterator<Item = Owner> + Clone + '_)> + '_ {
        self.records.chunk_by(|a, b| a.frame == b.frame).map(|records| {
            (
                FrameNumber(u64::from(records[0].frame)),
                records.iter().map(Record::owner),
            )
        })
    }

    /// Every use of a frame as a page table, ascending by frame.
    #[must_use]
    pub fn tables(&self) -> &[TableUse] {
        &self.tables
    }

    /// Uses of one frame as a page table.
    #[must_use]
    pub fn tables_in(&self, frame: FrameNumber) -> &[TableUse] {
        let start = self.tables.partition_point(|table| table.frame < frame);
        let len = self.tables[start..].partition_point(|table| table.frame == frame);
        &self.tables[start..start + len]
    }

    /// Pages of user halves that are not, or not wholly, guest memory.
    #[must_use]
    pub const fn outside(&self) -> &Findings<OutsideMapping> {
        &self.outside
    }

    /// What is odd about the tables: everything in the user halves; of the kernel halves, which
    /// [`super::audit::kernel`] looks at, only a scan that was cut off.
    #[must_use]
    pub const fn anomalies(&self) -> &Findings<SpaceAnomaly> {
        &self.anomalies
    }
}

struct UserHalf<'a, 'm> {
    memory: PhysicalMemory<'m>,
    space: SpaceId,
    owners: &'a mut Owners,
}

impl Visitor for UserHalf<'_, '_> {
    fn table(&mut self, table: &Table) -> Descend {
        self.owners.tables.push(TableUse::new(self.space, table));
        Descend::Into
    }

    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        let Mapping {
            address,
            target,
            size,
            permissions,
            ..
        } = *mapping;
        let frames = mapping.frames(self.memory);
        if frames.end.0 - frames.start.0 < size.frames() {
            let owner = Owner {
                space: self.space,
                address,
                permissions,
            };
            self.owners.outside.push(OutsideMapping { owner, target, size });
        }
        for (frame, page) in (frames.start.0..frames.end.0).zip(0..) {
            let address = VirtAddr(address.0 + page * abi::PAGE_SIZE);
            if self.owners.records.len() == Owners::LIMIT {
                self.anomaly(Anomaly::Unfinished { address });
                return ControlFlow::Break(());
            }
            let owner = Owner {
                space: self.space,
                address,
                permissions,
            };
            self.owners.records.push(Record::new(FrameNumber(frame), owner));
        }
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.owners.anomalies.push(SpaceAnomaly {
            space: self.space,
            anomaly,
        });
    }
}

struct KernelTables<'a> {
    space: SpaceId,
    top_entries: &'a mut FrameSet,
    owners: &'a mut Owners,
}

impl KernelTables<'_> {
    /// Records tables as a scan meets them.
    fn take(&mut self, tables: &[Table]) {
        let mut below = Descend::Into;
        for table in tables {
            below = match (table.level, below) {
                (Level::Pd | Level::Pt, Descend::Past) => Descend::Past,
                (Level::Pml4 | Level::Pdpt, _) => self.record(table),
                (Level::Pd | Level::Pt, Descend::Into) => {
                    self.record(table);
                    Descend::Into
                }
            };
        }
    }

    /// Records a table, and says whether those below are to be recorded.
    fn record(&mut self, table: &Table) -> Descend {
        let is_new = match table.level {
            Level::Pml4 => return Descend::Into,
            // All that is below was recorded for the address space that came first.
            Level::Pdpt => self.top_entries.insert(table.frame),
            Level::Pd | Level::Pt => true,
        };
        if !is_new {
            return Descend::Past;
        }
        self.owners.tables.push(TableUse::new(self.space, table));
        match table.level {
            Level::Pml4 | Level::Pdpt | Level::Pd => Descend::Into,
            Level::Pt => Descend::Past,
        }
    }
}

impl Visitor for KernelTables<'_> {
    fn table(&mut self, table: &Table) -> Descend {
        self.record(table)
    }

    fn mapping(&mut self, _: &Mapping) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        if let Anomaly::Unfinished { .. } = anomaly {
            self.owners.anomalies.push(SpaceAnomaly {
                space: self.space,
                anomaly,
            });
        }
    }
}

impl TableUse {
    const fn new(space: SpaceId, table: &Table) -> Self {
        Self {
            frame: table.frame,
            space,
            level: table.level,
            address: table.address,
        }
    }
}

impl Record {
    const USER: u64 = 1 << 0;
    const WRITABLE: u64 = 1 << 1;
    const EXECUTABLE: u64 = 1 << 2;

    fn new(frame: FrameNumber, owner: Owner) -> Self {
        let Permissions {
            user,
            writable,
            executable,
        } = owner.permissions;
        let bits = [
            (user, Self::USER),
            (writable, Self::WRITABLE),
            (executable, Self::EXECUTABLE),
        ];
        let permissions: u64 = bits
            .iter()
            .filter(|(allowed, _)| *allowed)
            .map(|(_, bit)| bit)
            .sum();
        Self {
            frame: u32::try_from(frame.0).expect("guest memory is far smaller than 16 TiB"),
            space: owner.space,
            address_and_permissions: owner.address.page_start().0 | permissions,
        }
    }

    fn owner(&self) -> Owner {
        let bits = self.address_and_permissions;
        Owner {
            space: self.space,
            address: VirtAddr(bits).page_start(),
            permissions: Permissions {
                user: bits & Self::USER != 0,
                writable: bits & Self::WRITABLE != 0,
                executable: bits & Self::EXECUTABLE != 0,
            },
        }
    }
}

impl fmt::Display for SpaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.0)
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({})", self.space, self.address, self.permissions)
    }
}

impl fmt::Display for TableUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            Level::Pml4 => write!(f, "the top page table of {}", self.space),
            Level::Pdpt | Level::Pd | Level::Pt => {
                write!(f, "the {} for {} of {}", self.level, self.address, self.space)
            }
        }
    }
}
