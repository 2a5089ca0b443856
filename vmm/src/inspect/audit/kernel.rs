//! Kernel halves: W^X and the wall against users.

use std::iter;
use std::ops::Range;

use crate::address::{FrameNumber, Half, VirtAddr};
use crate::inspect::owners::{Owner, Owners};
use crate::inspect::walk::{Anomaly, Mapping, Region, Regions, Root, mappings};
use crate::inspect::{Effort, Findings, FrameSet, PhysicalMemory};

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

/// Audits the kernel half of an address space; `owners` are those of all address spaces.
#[must_use]
pub fn kernel(
    memory: PhysicalMemory<'_>,
    root: Root,
    owners: &Owners,
    effort: &Effort,
) -> Findings<KernelFinding> {
    let mut user_accessible = Regions::new();
    let mut writable_and_executable = Regions::new();
    let mut writable = FrameSet::new(memory.frames());
    let mut executable = FrameSet::new(memory.frames());
    let anomalies = mappings(memory, root, Half::Kernel, effort, |mapping| {
        if mapping.permissions.user {
            user_accessible.add(mapping);
        }
        match (mapping.permissions.writable, mapping.permissions.executable) {
            (true, true) => writable_and_executable.add(mapping),
            (true, false) => writable.insert_range(mapping.frames(memory)),
            (false, true) => executable.insert_range(mapping.frames(memory)),
            (false, false) => {}
        }
    });

    let mut findings = anomalies.map(|anomaly| KernelFinding::Anomaly { anomaly });
    findings.append(
        user_accessible
            .finish()
            .map(|region| KernelFinding::UserAccessible { region }),
    );
    findings.append(
        writable_and_executable
            .finish()
            .map(|region| KernelFinding::WritableAndExecutable { region }),
    );
    let aliased = writable.intersection(&executable);
    findings.extend(
        aliases(memory, root, aliased, effort)
            .into_iter()
            .map(|alias| KernelFinding::WritableAlias { alias }),
    );
    findings.extend(writable_by_user(memory, root, owners, &executable, effort));
    findings
}

/// Frames that the kernel can execute, in the order of their addresses in the kernel half.
#[must_use]
pub fn executable(memory: PhysicalMemory<'_>, root: Root, effort: &Effort) -> Vec<Range<FrameNumber>> {
    let mut ranges: Vec<Range<FrameNumber>> = Vec::new();
    // What is odd about the tables is for the audit to tell.
    let _anomalies = mappings(memory, root, Half::Kernel, effort, |mapping| {
        if !mapping.permissions.executable {
            return;
        }
        let frames = mapping.frames(memory);
        match ranges.last_mut() {
            Some(last) if last.end == frames.start => last.end = frames.end,
            _ => ranges.push(frames),
        }
    });
    ranges
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
        let len_bytes = self.frames * abi::PAGE_SIZE;
        next.first.0 == self.first.0 + self.frames
            && self.executable_at.checked_add(len_bytes) == Some(next.executable_at)
            && self.writable_at.checked_add(len_bytes) == Some(next.writable_at)
    }
}
