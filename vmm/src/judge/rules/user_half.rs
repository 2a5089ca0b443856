//! Users keep out of the kernel's memory and out of each other's: what no kernel may let happen in the user halves of its address
//! spaces.

use abi::{PAGE_SIZE, agent};

use super::{StandingRule, View, told};
use crate::address::{FrameNumber, PhysAddr, VirtAddr};
use crate::drive::channel_of;
use crate::finding::Finding;
use crate::inspect::audit::{self, Policy, UserFinding};
use crate::inspect::owners::Owner;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct UserHalf;

impl StandingRule for UserHalf {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let View {
            scene, owners, names, ..
        } = view;
        let shared_on_purpose = |_: FrameNumber, owner: &Owner| {
            if is_agents_stack(owner.address) {
                return true;
            }
            let page = scene
                .model
                .page(channel_of(owner.space), owner.address.0 / PAGE_SIZE);
            page.is_some_and(|page| page.shared.is_some())
        };
        let policy = Policy {
            kernel_only: &[scene.stop.kernel_frames()],
            devices: &[doorbell()],
            shared_on_purpose: &shared_on_purpose,
        };
        let found = audit::user(owners, &policy);
        Ok(told(&found, Rule::WritableTwice, "user memory", |finding| {
            let place = |owner: &Owner| scene.place_of(owner);
            match finding {
                UserFinding::WritableTwice { frame, first, second } => Finding::new(
                    Rule::WritableTwice,
                    format!("{}, {}", place(first), names.frame(*frame)),
                    "writable by one owner",
                    format!("writable through {} too", place(second)),
                ),
                UserFinding::WritableWhileShared { frame, writer, other } => Finding::new(
                    Rule::WritableTwice,
                    format!("{}, {}", place(writer), names.frame(*frame)),
                    "not writable while another process has the frame",
                    format!("writable, and mapped at {}", place(other)),
                ),
                UserFinding::PageTableMapped { frame, owner, .. } => Finding::new(
                    Rule::KernelExposed,
                    format!("{}, {}", place(owner), names.frame(*frame)),
                    "user memory",
                    "a page table",
                ),
                UserFinding::KernelOnlyMapped { frame, owner } => Finding::new(
                    Rule::KernelExposed,
                    format!("{}, {}", place(owner), names.frame(*frame)),
                    "user memory",
                    "a frame of the kernel image",
                ),
                UserFinding::OutsideMemory { mapping } => Finding::new(
                    Rule::KernelExposed,
                    place(&mapping.owner),
                    "guest memory or the doorbell",
                    format!("physical address {}", mapping.target),
                ),
                UserFinding::Anomaly(anomaly) => Finding::new(
                    Rule::PageTables,
                    scene.process(channel_of(anomaly.space)),
                    "well-formed page tables",
                    anomaly.anomaly.to_string(),
                ),
            }
        }))
    }
}

/// Whether an agent may have its stack there, or an ancestor's: what it does not tell the model of, and shares.
fn is_agents_stack(address: VirtAddr) -> bool {
    let offset_bytes = address.0.checked_sub(agent::STACKS_BASE);
    offset_bytes.is_some_and(|offset_bytes| offset_bytes < agent::STACKS_LEN_BYTES)
}

/// Guest physical addresses of the doorbell, the one device that users may map.
fn doorbell() -> std::ops::Range<PhysAddr> {
    PhysAddr(abi::doorbell::PHYS_BASE)..PhysAddr(abi::doorbell::PHYS_BASE + abi::doorbell::LEN_BYTES)
}
