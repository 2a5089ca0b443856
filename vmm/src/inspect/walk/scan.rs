//! Visiting everything that is mapped.
//!
//! Tables may share tables and contain themselves, on purpose or by accident, so a tree of a few frames can hold 2^36
//! pages. They are followed along every path, because every path maps, but with an [`Effort`]. What would exceed it is cut off
//! with [`Anomaly::Unfinished`].

use std::ops::{ControlFlow, Range};

use abi::paging::{ENTRIES, PRESENT, USER_END};

use super::entry::{Defect, Entry, Level, PageSize, Permissions, Root, Target};
use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};
use crate::inspect::memory::FrameBytes;
use crate::inspect::{Effort, Findings, FrameSet, PhysicalMemory};

/// A mapped page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First virtual address of the page.
    pub address: VirtAddr,
    /// First physical address of the page. May lie outside guest memory, as a device's does.
    pub target: PhysAddr,
    /// Size of the page.
    pub size: PageSize,
    /// What all levels together allow.
    pub permissions: Permissions,
    /// The entry that maps it.
    pub entry: Entry,
}

/// A page table on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its frame.
    pub frame: FrameNumber,
    /// Its level on this path.
    pub level: Level,
    /// First virtual address that it governs on this path.
    pub address: VirtAddr,
    /// Whether the scanner has been here.
    pub reached: Reached,
}

/// Whether a table was met before by the same scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// For the first time.
    First,
    /// On another path, or in another address space.
    Again,
}

/// What to do about a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descend {
    /// Visit what it holds.
    Into,
    /// Leave it out.
    Past,
}

/// Something in the tables that no sound kernel puts there, or that keeps the scanner from seeing all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Anomaly {
    /// The top table is not in guest memory: nothing can be seen.
    #[error("top page table {root} is outside guest memory")]
    RootOutsideMemory {
        /// The top table.
        root: Root,
    },
    /// An entry is present, and yet leads nowhere.
    #[error("the entry for {address} is malformed: {entry} {defect}")]
    Malformed {
        /// First virtual address that the entry governs.
        address: VirtAddr,
        /// The entry.
        entry: Entry,
        /// What is wrong with it.
        defect: Defect,
    },
    /// A table contains itself.
    #[error("page table frame {} is reached from itself at {}, as a {}", .table.frame, .table.address, .table.level)]
    Loop {
        /// The table, as it was met inside itself.
        table: Table,
    },
    /// A table is used more than once.
    #[error("page table frame {} is used again at {}, as a {}", .table.frame, .table.address, .table.level)]
    SharedTable {
        /// The table, as it was met the second time.
        table: Table,
    },
    /// The scanner gave up: what it reported is not all.
    #[error("there is more in the page tables than is looked at; scanning stopped at {address}")]
    Unfinished {
        /// Where it stopped; nothing from here on was seen.
        address: VirtAddr,
    },
}

/// What a scan tells.
pub trait Visitor {
    /// A page table, before its contents.
    fn table(&mut self, table: &Table) -> Descend {
        let _ = table;
        Descend::Into
    }

    /// A mapped page. `Break` ends the scan.
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()>;

    /// Something odd. The scan goes on after it, but for [`Anomaly::Unfinished`] and [`Anomaly::RootOutsideMemory`].
    fn anomaly(&mut self, anomaly: Anomaly);
}

/// Visits every page that is mapped in a half, in ascending order of virtual address.
#[must_use = "the anomalies tell whether this was all"]
pub fn mappings(
    memory: PhysicalMemory<'_>,
    root: Root,
    half: Half,
    effort: &Effort,
    visit: impl FnMut(&Mapping),
) -> Findings<Anomaly> {
    let mut visitor = EachMapping {
        visit,
        anomalies: Findings::new(),
    };
    // Never broken off by this visitor; an effort that did not suffice is among the anomalies.
    let _ = Scanner::new(memory, half, effort).scan(root, &mut visitor);
    visitor.anomalies
}

/// Scans a half of address spaces. Its memory of tables that it has seen spans all of its scans.
#[derive(Clone, Debug)]
pub struct Scanner<'m> {
    memory: PhysicalMemory<'m>,
    half: Half,
    seen: FrameSet,
    effort: &'m Effort,
}

/// A table on the path that is being scanned.
struct Step<'p> {
    table: FrameNumber,
    level: Level,
    address: VirtAddr,
    permissions: Permissions,
    above: Option<(&'p Step<'p>, Entry)>,
}

impl<'m> Scanner<'m> {
    /// A scanner that has seen nothing.
    #[must_use]
    pub fn new(memory: PhysicalMemory<'m>, half: Half, effort: &'m Effort) -> Self {
        Self {
            memory,
            half,
            seen: FrameSet::new(memory.frames()),
            effort,
        }
    }

    /// Visits what an address space holds, in ascending order of virtual address. `Break` if the visitor broke off or the
    /// effort did not suffice.
    pub fn scan(&mut self, root: Root, visitor: &mut impl Visitor) -> ControlFlow<()> {
        let address = match self.half {
            Half::User => VirtAddr(0),
            Half::Kernel => VirtAddr(0u64.wrapping_sub(USER_END)),
        };
        let top = Step {
            table: root.table(),
            level: Level::Pml4,
            address,
            permissions: Permissions::ALL,
            above: None,
        };
        self.scan_table(&top, visitor)
    }

    fn scan_table(&mut self, step: &Step<'_>, visitor: &mut impl Visitor) -> ControlFlow<()> {
        self.spend(ENTRIES, step.address, visitor)?;
        if !self.memory.has_frame(step.table) {
            visitor.anomaly(step.outside_memory());
            return ControlFlow::Continue(());
        }
        let reached = if self.seen.insert(step.table) {
            Reached::First
        } else {
            Reached::Again
        };
        let table = Table {
            frame: step.table,
            level: step.level,
            address: step.address,
            reached,
        };
        if visitor.table(&table) == Descend::Past {
            return ControlFlow::Continue(());
        }
        match reached {
            Reached::First => {}
            Reached::Again if step.is_inside_itself() => visitor.anomaly(Anomaly::Loop { table }),
            Reached::Again => visitor.anomaly(Anomaly::SharedTable { table }),
        }
        let mut contents = FrameBytes::zeroed();
        self.memory
            .copy_frame(step.table, &mut contents)
            .expect("the frame is in memory");
        let (skipped, taken) = step.level.entries_of(self.half);
        // Most entries are not present: this loop is most of a scan.
        let entries = &contents.0.as_chunks().0[skipped..skipped + taken];
        for (offset, bytes) in entries.iter().enumerate() {
            let value = u64::from_le_bytes(*bytes);
            if value & PRESENT == 0 {
                continue;
            }
            let offset = offset as u64;
            let at = PhysAddr(step.table.start().0 + 8 * (skipped as u64 + offset));
            let address = VirtAddr(step.address.0 + offset * step.level.entry_span_bytes());
            self.scan_entry(
                step,
                Entry {
                    level: step.level,
                    at,
                    value,
                },
                address,
                visitor,
            )?;
        }
        ControlFlow::Continue(())
    }

    fn scan_entry(
        &mut self,
        step: &Step<'_>,
        entry: Entry,
        address: VirtAddr,
        visitor: &mut impl Visitor,
    ) -> ControlFlow<()> {
        let permissions = step.permissions.restricted_by(entry);
        match entry.target() {
            Ok(Target::Nothing) => ControlFlow::Continue(()),
            Ok(Target::Table(level, table)) => self.scan_table(
                &Step {
                    table,
                    level,
                    address,
                    permissions,
                    above: Some((step, entry)),
                },
                visitor,
            ),
            Ok(Target::Page(size, target)) => {
                let mapping = Mapping {
                    address,
                    target,
                    size,
                    permissions,
                    entry,
                };
                let frames = mapping.frames(self.memory);
                // Sets of frames take them by the word.
                let words = (frames.end.0 - frames.start.0) / u64::from(u64::BITS);
                self.spend(1 + words, address, visitor)?;
                visitor.mapping(&mapping)
            }
            Err(defect) => {
                visitor.anomaly(Anomaly::Malformed {
                    address,
                    entry,
                    defect,
                });
                ControlFlow::Continue(())
            }
        }
    }
}

impl Scanner<'_> {
    fn spend(&self, entries: u64, address: VirtAddr, visitor: &mut impl Visitor) -> ControlFlow<()> {
        let flow = self.effort.spend(entries);
        if flow.is_break() {
            visitor.anomaly(Anomaly::Unfinished { address });
        }
        flow
    }
}

impl Step<'_> {
    fn is_inside_itself(&self) -> bool {
        let above = std::iter::successors(self.above, |(step, _)| step.above);
        above.into_iter().any(|(step, _)| step.table == self.table)
    }

    fn outside_memory(&self) -> Anomaly {
        match self.above {
            None => Anomaly::RootOutsideMemory {
                root: Root::from_cr3(self.table.start().0),
            },
            Some((_, entry)) => Anomaly::Malformed {
                address: self.address,
                entry,
                defect: Defect::TableOutsideMemory,
            },
        }
    }
}

impl Mapping {
    /// The frames of guest memory that the page covers: none for a device.
    #[must_use]
    pub fn frames(&self, memory: PhysicalMemory<'_>) -> Range<FrameNumber> {
        let first = self.target.frame().0.min(memory.frames());
        let end = (first + self.size.frames()).min(memory.frames());
        FrameNumber(first)..FrameNumber(end)
    }
}

struct EachMapping<F> {
    visit: F,
    anomalies: Findings<Anomaly>,
}

impl<F: FnMut(&Mapping)> Visitor for EachMapping<F> {
    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        (self.visit)(mapping);
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }
}
