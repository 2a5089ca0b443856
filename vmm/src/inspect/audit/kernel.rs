//! Kernel halves: W^X and the wall against users.

use std::iter;
use std::ops::ControlFlow;

use abi::PAGE_SIZE;

use crate::address::{FrameNumber, Half, PhysAddr, VirtAddr};
use crate::inspect::memory::FrameBytes;
use crate::inspect::owners::{Owner, Owners};
use crate::inspect::walk::{
    Anomaly, Descend, Level, Mapping, Region, Regions, Root, Scanner, Table, Visitor, mappings,
};
use crate::inspect::{Effort, Findings, FrameSet, PhysicalMemory, cross_check};

/// What is wrong in a kernel half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KernelFinding {
    /// The kernel can write what it can execute.
    #[error("kernel mapping {region} is both writable and executable")]
    WritableAndExecutable {
        /// The mapping.
        region: Region,
    },
    /// The kernel can write through one mapping what it can execute through another.
    #[error(
        "kernel code at {} is writable at {}: {} frames from {} are mapped at both",
        .alias.executable_at, .alias.writable_at, .alias.frames, .alias.first
    )]
    WritableAlias {
        /// The frames and both mappings.
        alias: Alias,
    },
    /// A user can write what the kernel can execute.
    #[error("kernel code at {executable_at} is writable by {owner}: both map frame {frame}")]
    WritableByUser {
        /// The frame.
        frame: FrameNumber,
        /// The kernel's mapping.
        executable_at: VirtAddr,
        /// The user's mapping.
        owner: Owner,
    },
    /// Users can access a mapping in the kernel half.
    #[error("kernel mapping {region} is accessible to users")]
    UserAccessible {
        /// The mapping.
        region: Region,
    },
    /// The tables of the kernel half are odd.
    #[error("in the kernel half: {anomaly}")]
    Anomaly {
        /// What is odd.
        anomaly: Anomaly,
    },
}

/// Adjacent frames that are mapped twice in the kernel half, at adjacent addresses each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The first frame.
    pub first: FrameNumber,
    /// Number of frames.
    pub frames: u64,
    /// Where the first one can be executed.
    pub executable_at: VirtAddr,
    /// Where the first one can be written.
    pub writable_at: VirtAddr,
}

/// The kernel half of an address space, as it was when it was scanned.
#[derive(Clone, Debug)]
pub struct KernelHalf {
    /// Its part of the top table: other address spaces with the same one have the same kernel half. None when that table is not in memory.
    top: Option<TopHalf>,
    /// The tables below the top one, as the scan met them; None where they are not all, or too many to be kept.
    tables: Option<Vec<Table>>,
    /// What was in each of them.
    contents: Vec<FrameBytes>,
    executable: FrameSet,
    landmarks: Vec<VirtAddr>,
    findings: Findings<KernelFinding>,
}

/// Most tables that are kept of a kernel half, 4 MiB.
const MAX_TABLES: usize = 1 << 10;

impl KernelHalf {
    /// Looks at all of it.
    #[must_use]
    pub fn scan(memory: PhysicalMemory<'_>, root: Root, effort: &Effort) -> KernelHalf {
        let mut scan = Scan {
            memory,
            user_accessible: Regions::new(),
            writable_and_executable: Regions::new(),
            writable: FrameSet::new(memory.frames()),
            executable: FrameSet::new(memory.frames()),
            tables: Vec::new(),
            asked: Regions::new(),
            anomalies: Findings::new(),
        };
        // Never broken off by this visitor; an effort that did not suffice is among the anomalies.
        let _ = Scanner::new(memory, Half::Kernel, effort).scan(root, &mut scan);

        let mut findings = scan.anomalies.map(|anomaly| KernelFinding::Anomaly { anomaly });
        findings.append(
            scan.user_accessible
                .finish()
                .map(|region| KernelFinding::UserAccessible { region }),
        );
        findings.append(
            scan.writable_and_executable
                .finish()
                .map(|region| KernelFinding::WritableAndExecutable { region }),
        );
        let aliased = scan.writable.intersection(&scan.executable);
        findings.extend(
            aliases(memory, root, aliased, effort)
                .into_iter()
                .map(|alias| KernelFinding::WritableAlias { alias }),
        );
        // Where something is wrong there may be tables that the scan did not meet.
        let are_kept = findings.is_empty() && scan.tables.len() <= MAX_TABLES;
        let tables = are_kept.then_some(scan.tables);
        KernelHalf {
            top: top_half(memory, root),
            contents: contents(memory, tables.iter().flatten()),
            tables,
            executable: scan.executable,
            landmarks: cross_check::landmarks(memory, root, scan.asked),
            findings,
        }
    }

    /// Whether another scan would find the same. What was found to be wrong is looked at again in any case.
    ///
    /// The tables are compared: that they were not written to is not known, because many processors write to each table that they use.
    #[must_use]
    pub fn is_as_it_was(&self, memory: PhysicalMemory<'_>) -> bool {
        let mut now = FrameBytes::zeroed();
        self.tables.as_ref().is_some_and(|tables| {
            let mut tables = iter::zip(tables, &self.contents);
            tables.all(|(table, before)| memory.copy_frame(table.frame, &mut now).is_ok() && now == *before)
        })
    }

    /// Whether it is the kernel half of this address space, too.
    #[must_use]
    pub fn is_of(&self, memory: PhysicalMemory<'_>, root: Root) -> bool {
        self.top.is_some() && self.top == top_half(memory, root)
    }

    /// Its tables, as a scan meets them; None where something is wrong with it, so that they may not be all, and where there are very many.
    #[must_use]
    pub fn tables(&self) -> Option<&[Table]> {
        self.tables.as_deref()
    }

    /// Addresses that are worth asking another walker about.
    #[must_use]
    pub fn landmarks(&self) -> &[VirtAddr] {
        &self.landmarks
    }

    /// Frames that the kernel can execute.
    #[must_use]
    pub fn executable(&self) -> &FrameSet {
        &self.executable
    }

    /// What is wrong with it, in the address space `root`; `owners` are those of all address spaces.
    #[must_use]
    pub fn audit(
        &self,
        memory: PhysicalMemory<'_>,
        root: Root,
        owners: &Owners,
        effort: &Effort,
    ) -> Findings<KernelFinding> {
        let mut findings = self.findings.clone();
        findings.extend(writable_by_user(memory, root, owners, &self.executable, effort));
        findings
    }
}

/// Audits the kernel half of an address space; `owners` are those of all address spaces.
#[must_use]
pub fn kernel(
    memory: PhysicalMemory<'_>,
    root: Root,
    owners: &Owners,
    effort: &Effort,
) -> Findings<KernelFinding> {
    KernelHalf::scan(memory, root, effort).audit(memory, root, owners, effort)
}

/// The upper half of a page table.
type TopHalf = Box<[u8; PAGE_SIZE as usize / 2]>;

/// A top table's entries for the kernel half; None when it is not in memory.
fn top_half(memory: PhysicalMemory<'_>, root: Root) -> Option<TopHalf> {
    let mut half = Box::new([0; PAGE_SIZE as usize / 2]);
    let at = PhysAddr(root.table().start().0 + half.len() as u64);
    memory.copy(at, &mut *half).ok()?;
    Some(half)
}

/// What is in these tables.
fn contents<'t>(memory: PhysicalMemory<'_>, tables: impl Iterator<Item = &'t Table>) -> Vec<FrameBytes> {
    let of = |table: &Table| {
        let mut bytes = FrameBytes::zeroed();
        memory
            .copy_frame(table.frame, &mut bytes)
            .expect("a scan meets tables in memory only");
        bytes
    };
    tables.map(of).collect()
}

/// What a scan gathers.
struct Scan<'m> {
    memory: PhysicalMemory<'m>,
    user_accessible: Regions,
    writable_and_executable: Regions,
    writable: FrameSet,
    executable: FrameSet,
    tables: Vec<Table>,
    /// What another walker can be asked about.
    asked: Regions,
    anomalies: Findings<Anomaly>,
}

impl Visitor for Scan<'_> {
    fn table(&mut self, table: &Table) -> Descend {
        match table.level {
            Level::Pml4 => {}
            // One more than are kept says that there are too many.
            Level::Pdpt | Level::Pd | Level::Pt if self.tables.len() <= MAX_TABLES => {
                self.tables.push(*table);
            }
            Level::Pdpt | Level::Pd | Level::Pt => {}
        }
        Descend::Into
    }

    fn mapping(&mut self, mapping: &Mapping) -> ControlFlow<()> {
        if mapping.permissions.user {
            self.user_accessible.add(mapping);
        }
        if cross_check::can_be_asked(self.memory, mapping) {
            self.asked.add(mapping);
        }
        match (mapping.permissions.writable, mapping.permissions.executable) {
            (true, true) => self.writable_and_executable.add(mapping),
            (true, false) => self.writable.insert_range(mapping.frames(self.memory)),
            (false, true) => self.executable.insert_range(mapping.frames(self.memory)),
            (false, false) => {}
        }
        ControlFlow::Continue(())
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }
}

/// Most aliased frames that are reported, 64 MiB: enough for any kernel's code.
const MAX_ALIASED_FRAMES: usize = 16 << 10;

fn aliases(
    memory: PhysicalMemory<'_>,
    root: Root,
    aliased: impl Iterator<Item = FrameNumber>,
    effort: &Effort,
) -> Vec<Alias> {
    let frames: Vec<_> = aliased.take(MAX_ALIASED_FRAMES).collect();
    let executable = addresses_of(memory, root, &frames, effort, |mapping| {
        mapping.permissions.executable
    });
    let writable = addresses_of(memory, root, &frames, effort, |mapping| {
        mapping.permissions.writable
    });
    let mut merged: Vec<Alias> = Vec::new();
    for ((&first, executable_at), writable_at) in frames.iter().zip(executable).zip(writable) {
        let (Some(executable_at), Some(writable_at)) = (executable_at, writable_at) else {
            continue;
        };
        let next = Alias {
            first,
            frames: 1,
            executable_at,
            writable_at,
        };
        match merged.last_mut() {
            Some(last) if last.is_continued_by(&next) => last.frames += 1,
            _ => merged.push(next),
        }
    }
    merged
}

fn writable_by_user(
    memory: PhysicalMemory<'_>,
    root: Root,
    owners: &Owners,
    executable: &FrameSet,
    effort: &Effort,
) -> Vec<KernelFinding> {
    let writers: Vec<_> = owners
        .by_frame()
        .filter(|(frame, _)| executable.contains(*frame))
        .filter_map(|(frame, mut owners)| {
            Some((frame, owners.find(|owner| owner.permissions.user_writable())?))
        })
        .take(Findings::<KernelFinding>::LIMIT)
        .collect();
    let frames: Vec<_> = writers.iter().map(|(frame, _)| *frame).collect();
    let executable_at = addresses_of(memory, root, &frames, effort, |mapping| {
        mapping.permissions.executable
    });
    iter::zip(writers, executable_at)
        .filter_map(|((frame, owner), executable_at)| {
            Some(KernelFinding::WritableByUser {
                frame,
                executable_at: executable_at?,
                owner,
            })
        })
        .collect()
}

/// Where each of the frames, which ascend, is first mapped in the kernel half by a mapping that `select` picks.
fn addresses_of(
    memory: PhysicalMemory<'_>,
    root: Root,
    frames: &[FrameNumber],
    effort: &Effort,
    select: impl Fn(&Mapping) -> bool,
) -> Vec<Option<VirtAddr>> {
    let mut addresses = vec![None; frames.len()];
    if frames.is_empty() {
        return addresses;
    }
    // The anomalies are those of the scan that found the frames.
    let _ = mappings(memory, root, Half::Kernel, effort, |mapping| {
        if !select(mapping) {
            return;
        }
        let range = mapping.frames(memory);
        let first = frames.partition_point(|&frame| frame < range.start);
        let in_range = iter::zip(&frames[first..], &mut addresses[first..]);
        for (frame, address) in in_range.take_while(|(frame, _)| **frame < range.end) {
            // What is too much here ends the scan at its next entry.
            let _ = effort.spend(1);
            let offset = frame.start().0 - range.start.start().0;
            address.get_or_insert(VirtAddr(mapping.address.0 + offset));
        }
    });
    addresses
}

impl Alias {
    fn is_continued_by(&self, next: &Self) -> bool {
        let len_bytes = self.frames * PAGE_SIZE;
        next.first.0 == self.first.0 + self.frames
            && self.executable_at.checked_add(len_bytes) == Some(next.executable_at)
            && self.writable_at.checked_add(len_bytes) == Some(next.writable_at)
    }
}
