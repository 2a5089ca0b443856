//! Users keep out of the kernel's memory and out of each other's: what no kernel may let happen in the user halves of its address
//! spaces.

use abi::PAGE_SIZE;

use super::{StandingRule, View, page_tables, told};
use crate::address::FrameNumber;
use crate::channel::doorbell_addresses;
use crate::drive::{channel_of, is_agents_stack};
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::inspect::audit::{self, Policy, UserFinding};
use crate::inspect::owners::Owner;
use crate::judge::names::Names;
use crate::judge::scene::Scene;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing.
#[derive(Debug, Default)]
pub(super) struct UserHalf;

impl StandingRule for UserHalf {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let View {
            scene,
            owners,
            names,
            effort,
            ..
        } = view;
        let kernel_only = scene.stop.kernel_only_frames(effort)?;
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
            kernel_only: &kernel_only,
            devices: &[doorbell_addresses()],
            shared_on_purpose: &shared_on_purpose,
        };
        Ok(tell(&audit::user(owners, &policy), scene, names))
    }
}

/// What is wrong in user halves, in the judge's terms.
pub(super) fn tell(found: &Findings<UserFinding>, scene: &Scene<'_>, names: &mut Names) -> Vec<Finding> {
    told(found, Rule::WritableTwice, "user memory", |finding| {
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
            UserFinding::Anomaly(anomaly) => page_tables(scene.process_of(anomaly.space), &anomaly.anomaly),
        }
    })
}
