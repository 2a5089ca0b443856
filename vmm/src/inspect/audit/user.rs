//! User halves: the wall around kernel frames, and between processes.

use std::ops::Range;

use crate::address::{FrameNumber, PhysAddr};
use crate::inspect::Findings;
use crate::inspect::owners::{OutsideMapping, Owner, Owners, SpaceAnomaly, TableUse};

/// What the caller knows about the guest that page tables do not tell.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// Frames that no user may access, such as the kernel's image.
    pub kernel_only: &'a [Range<FrameNumber>],
    /// Physical addresses outside guest memory that users may access, such as the doorbell.
    pub devices: &'a [Range<PhysAddr>],
    /// Whether this owner's writes to the frame are meant to be seen by its other owners.
    pub shared_on_purpose: &'a dyn Fn(FrameNumber, &Owner) -> bool,
}

/// What is wrong in the user halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserFinding {
    /// A user can access a page table.
    #[error("frame {frame} is {table} and accessible to {owner}")]
    PageTableMapped {
        /// The frame.
        frame: FrameNumber,
        /// Whose page table it is.
        table: TableUse,
        /// Who can access it.
        owner: Owner,
    },
    /// A user can access a frame of the kernel's.
    #[error("frame {frame} is the kernel's own and accessible to {owner}")]
    KernelOnlyMapped {
        /// The frame.
        frame: FrameNumber,
        /// Who can access it.
        owner: Owner,
    },
    /// A frame is private to two owners who can both write it.
    #[error("frame {frame} is writable by two owners: {first} and {second}")]
    WritableTwice {
        /// The frame.
        frame: FrameNumber,
        /// One owner.
        first: Owner,
        /// The other.
        second: Owner,
    },
    /// One owner sees what another one privately writes.
    #[error("frame {frame} is writable by {writer} and also mapped by {other}")]
    WritableWhileShared {
        /// The frame.
        frame: FrameNumber,
        /// Who can write it.
        writer: Owner,
        /// Who can see it.
        other: Owner,
    },
    /// A user can access something that is neither memory nor a known device.
    #[error("{} maps {} at {}, which is outside guest memory", .mapping.owner, .mapping.size, .mapping.target)]
    OutsideMemory {
        /// The mapping.
        mapping: OutsideMapping,
    },
    /// The tables of a user half are odd.
    #[error(transparent)]
    Anomaly(SpaceAnomaly),
}

/// Audits the user halves of all address spaces. One finding of a kind for each frame.
#[must_use]
pub fn user(owners: &Owners, policy: &Policy<'_>) -> Findings<UserFinding> {
    let mut findings = owners.anomalies().clone().map(UserFinding::Anomaly);
    let outside = owners
        .outside()
        .into_iter()
        .filter(|mapping| !is_device(mapping, policy));
    findings.extend(outside.map(|&mapping| UserFinding::OutsideMemory { mapping }));

    for (frame, owners_of_frame) in owners.by_frame() {
        let users = owners_of_frame.filter(|owner| owner.permissions.user);
        let Some(owner) = users.clone().next() else {
            continue;
        };
        if let Some(&table) = owners.tables_in(frame).first() {
            findings.push(UserFinding::PageTableMapped { frame, table, owner });
        }
        if policy.kernel_only.iter().any(|range| range.contains(&frame)) {
            findings.push(UserFinding::KernelOnlyMapped { frame, owner });
        }
        findings.extend(unintended_sharing(frame, &users, policy));
    }
    findings
}

/// A private writer among several owners. One that is shared on purpose may write what others map privately and can only
/// read: so do file mappings.
fn unintended_sharing(
    frame: FrameNumber,
    users: &(impl Iterator<Item = Owner> + Clone),
    policy: &Policy<'_>,
) -> Option<UserFinding> {
    // Most frames have one owner, and asking the policy is not free.
    users.clone().nth(1)?;
    let mut private_writers = users
        .clone()
        .filter(|owner| owner.permissions.writable && !(policy.shared_on_purpose)(frame, owner));
    let writer = private_writers.next()?;
    if let Some(second) = private_writers.next() {
        return Some(UserFinding::WritableTwice {
            frame,
            first: writer,
            second,
        });
    }
    let other = users.clone().find(|owner| *owner != writer)?;
    Some(UserFinding::WritableWhileShared { frame, writer, other })
}

fn is_device(mapping: &OutsideMapping, policy: &Policy<'_>) -> bool {
    let last = PhysAddr(mapping.target.0 + (mapping.size.bytes() - 1));
    !mapping.owner.permissions.user
        || policy
            .devices
            .iter()
            .any(|range| range.contains(&mapping.target) && range.contains(&last))
}
