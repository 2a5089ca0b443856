//! The kernel's account of its frames agrees with the page tables, and after the last process every frame has come back.

use super::{StandingRule, View, told};
use crate::drive::channel_of;
use crate::finding::Finding;
use crate::inspect::Findings;
use crate::inspect::frame_table::{self, FrameTableFinding};
use crate::inspect::owners::Owner;
use crate::judge::account::Account;
use crate::judge::names::Names;
use crate::judge::scene::Scene;
use crate::promise::Promise;
use crate::rule::Rule;
use crate::vm::VmError;

/// Remembers nothing: the account does.
#[derive(Debug, Default)]
pub(super) struct References;

impl StandingRule for References {
    fn needs(&self) -> &'static [(Rule, Promise)] {
        &[
            (Rule::FreeFrameMapped, Promise::FrameAccount),
            (Rule::References, Promise::FrameAccount),
            (Rule::FramesLost, Promise::FrameAccount),
        ]
    }

    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let View {
            scene,
            owners,
            account,
            names,
            ..
        } = view;
        let Some(table) = account else {
            return Ok(Vec::new());
        };
        Ok(tell(&frame_table::check(table, owners), scene, names))
    }

    fn at_end(&mut self, account: &Account, scene: &Scene<'_>) -> Vec<Finding> {
        account.lost_frames(scene.memory())
    }
}

/// What is wrong with a kernel's account of its frames, in the judge's terms.
pub(super) fn tell(
    found: &Findings<FrameTableFinding>,
    scene: &Scene<'_>,
    names: &mut Names,
) -> Vec<Finding> {
    told(found, Rule::References, "the kernel's frame table", |finding| {
        let place = |owner: &Owner| scene.place_of(owner);
        match finding {
            FrameTableFinding::FreeFrameMapped { frame, owner } => Finding::new(
                Rule::FreeFrameMapped,
                format!("{}, {}", place(owner), names.frame(*frame)),
                "a frame in use",
                "a frame that is free by the kernel's account",
            ),
            FrameTableFinding::FreeFrameIsPageTable { frame, table } => Finding::new(
                Rule::FreeFrameMapped,
                format!(
                    "page table of {}, {}",
                    scene.process(channel_of(table.space)),
                    names.frame(*frame)
                ),
                "a frame in use",
                "a frame that is free by the kernel's account",
            ),
            FrameTableFinding::PageTableIsOther { frame, kind, table } => Finding::new(
                Rule::PageTables,
                format!(
                    "page table of {}, {}",
                    scene.process(channel_of(table.space)),
                    names.frame(*frame)
                ),
                "a page table by the kernel's account",
                abi::frame_table::frame_kind_name(*kind).unwrap_or("unknown"),
            ),
            FrameTableFinding::TooFewReferences {
                frame,
                references,
                mappings,
            } => Finding::new(
                Rule::References,
                names.frame(*frame),
                format!("at least {mappings} references, one for each mapping"),
                format!("{references} by the kernel's account"),
            ),
            FrameTableFinding::KernelFrameMapped { frame, kind, owner } => Finding::new(
                Rule::KernelExposed,
                format!("{}, {}", place(owner), names.frame(*frame)),
                "user memory",
                format!(
                    "{} by the kernel's account",
                    abi::frame_table::frame_kind_name(*kind).unwrap_or("unknown")
                ),
            ),
            FrameTableFinding::NotDescribed { frame, owner } => Finding::new(
                Rule::References,
                format!("{}, {}", place(owner), names.frame(*frame)),
                "a frame that the kernel accounts for",
                "a frame that it leaves out",
            ),
        }
    })
}
