//! The walker itself, held against KVM's: two independent implementations must agree on where an address leads.
//!
//! Only physical addresses are compared: not every KVM answers with the right permissions. And only where the manual leaves no
//! choice: which bits of an address are reserved, and whether there are pages of 1 GiB, differs from processor to processor, so
//! KVM is asked neither about pages outside guest memory nor about pages of that size. Where the page walk meets a malformed entry
//! KVM is not asked either: that is the guest's fault, and told as such.

use super::walk::{Mapping, PageSize, Regions, Root, WalkError, mappings, translate};
use super::{Effort, Findings, PhysicalMemory};
use crate::address::{Half, PhysAddr, VirtAddr};

/// An address on which the two walkers disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{address}: KVM translates to {}, the page walk to {}", shown(*.kvm), shown(.own.ok()))]
pub struct Disagreement {
    /// The virtual address.
    pub address: VirtAddr,
    /// What KVM_TRANSLATE says.
    pub kvm: Option<PhysAddr>,
    /// What the walker says.
    pub own: Result<PhysAddr, WalkError>,
}

/// Compares the walker with `kvm`, which answers as KVM_TRANSLATE does on a vCPU whose CR3 is `root`.
#[must_use]
pub fn cross_check(
    memory: PhysicalMemory<'_>,
    root: Root,
    addresses: impl IntoIterator<Item = VirtAddr>,
    kvm: impl Fn(VirtAddr) -> Option<PhysAddr>,
) -> Findings<Disagreement> {
    let mut findings = Findings::new();
    findings.extend(addresses.into_iter().filter_map(|address| {
        let own = translate(memory, root, address).map(|translation| translation.address);
        let kvm = kvm(address);
        (own.ok() != kvm).then_some(Disagreement { address, kvm, own })
    }));
    findings
}

/// At most `limit` addresses that are worth asking about, in ascending order: [`landmarks`] of the user half, and of the kernel half,
/// where they are known already.
#[must_use]
pub fn samples(
    memory: PhysicalMemory<'_>,
    root: Root,
    of_kernel: &[VirtAddr],
    limit: usize,
    effort: &Effort,
) -> Vec<VirtAddr> {
    let mut asked = Regions::new();
    // What is odd about the tables is for others to report; here they only supply addresses.
    let _ = mappings(memory, root, Half::User, effort, |mapping: &Mapping| {
        if can_be_asked(memory, mapping) {
            asked.add(mapping);
        }
    });
    let mut addresses = landmarks(memory, root, asked);
    addresses.extend(of_kernel);
    let step = addresses.len().div_ceil(limit.max(1)).max(1);
    addresses.into_iter().step_by(step).take(limit).collect()
}

/// First and last byte of each region, and the bytes around it that are not mapped, in ascending order and each once.
pub(super) fn landmarks(memory: PhysicalMemory<'_>, root: Root, asked: Regions) -> Vec<VirtAddr> {
    let mut addresses = Vec::new();
    for region in asked.finish() {
        let around = [region.start.0.checked_sub(1), region.last().0.checked_add(1)];
        let unmapped = around.into_iter().flatten().map(VirtAddr).filter(|&address| {
            matches!(
                translate(memory, root, address),
                Err(WalkError::NotPresent { .. })
            )
        });
        addresses.extend(unmapped);
        addresses.extend([region.start, region.last()]);
    }
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

/// Whether KVM can be asked about a page. Not about one that was never accessed, because KVM's walk sets its accessed bit, and to look
/// must not change the guest; nor about one to which not every processor leads.
pub(super) fn can_be_asked(memory: PhysicalMemory<'_>, mapping: &Mapping) -> bool {
    mapping.entry.accessed() && is_certain(memory, mapping)
}

/// Whether every processor leads to the page.
fn is_certain(memory: PhysicalMemory<'_>, mapping: &Mapping) -> bool {
    match mapping.size {
        PageSize::Kib4 | PageSize::Mib2 => !mapping.frames(memory).is_empty(),
        PageSize::Gib1 => false,
    }
}

fn shown(address: Option<PhysAddr>) -> String {
    address.map_or_else(|| "nothing".to_owned(), |address| address.to_string())
}
