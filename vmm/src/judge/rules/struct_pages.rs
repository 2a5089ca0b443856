//! What a Linux says of its frames agrees with the page tables: a frame that is mapped is in use, with a reference for each mapping, a page
//! table is marked as one, and at the end the anonymous memory of every process that has ended is free.

use std::collections::BTreeMap;

use abi::frame_table::{ANONYMOUS, FrameInfo};

use super::{StandingRule, View, references};
use crate::address::FrameNumber;
use crate::channel::Channel;
use crate::drive::channel_of;
use crate::finding::Finding;
use crate::inspect::Effort;
use crate::inspect::frame_table::mapped_by_users;
use crate::inspect::owners::Owners;
use crate::inspect::struct_page::{PageLayout, StructPageError, StructPages};
use crate::judge::account::Account;
use crate::judge::names::Names;
use crate::judge::scene::Scene;
use crate::rule::Rule;
use crate::vm::VmError;

/// Most processes whose lost frames are told.
const MAX_LOST: usize = 16;

/// Remembers whose memory frames were.
#[derive(Debug, Default)]
pub(in crate::judge) struct StructPagesRule {
    layout: Option<PageLayout>,
    /// Frames that one process alone had at the last look.
    held: BTreeMap<FrameNumber, Channel>,
    /// Such frames of processes that have ended, as long as they are not free: a kernel may put that off, for a batch of them.
    left: BTreeMap<FrameNumber, Channel>,
}

impl StructPagesRule {
    /// The rule for a kernel whose `struct page` is laid out so; None for one that has none, or does not say.
    pub(in crate::judge) fn new(layout: Option<PageLayout>) -> StructPagesRule {
        StructPagesRule {
            layout,
            held: BTreeMap::new(),
            left: BTreeMap::new(),
        }
    }

    /// What is judged by it that is otherwise judged by a report.
    pub(in crate::judge) fn judges(&self) -> &'static [Rule] {
        match self.layout {
            Some(_) => &[Rule::FreeFrameMapped, Rule::References, Rule::FramesLost],
            None => &[],
        }
    }

    /// Holds every frame that is mapped, or was until its process ended, against what the kernel says of it.
    fn compare(
        &mut self,
        pages: &StructPages<'_>,
        owners: &Owners,
        scene: &Scene<'_>,
        names: &mut Names,
    ) -> Result<Vec<Finding>, StructPageError> {
        let findings = references::tell(&pages.check(owners)?, scene, names);
        let mapped = mapped_by_users(owners).filter(|(_, _, mappings)| *mappings == 1);
        let held = mapped.map(|(frame, owner, _)| (frame, channel_of(owner.space)));
        let held = held.collect();
        let is_alive = |process| scene.agents.alive().any(|(agent, _)| agent.channel == process);
        let of_ended = std::mem::replace(&mut self.held, held).into_iter();
        self.left
            .extend(of_ended.filter(|(_, process)| !is_alive(*process)));
        self.forget_the_free(pages, owners)?;
        Ok(findings)
    }

    /// Forgets what is free by now, or mapped again.
    fn forget_the_free(&mut self, pages: &StructPages<'_>, owners: &Owners) -> Result<(), StructPageError> {
        for frame in self.left.keys().copied().collect::<Vec<_>>() {
            if owners.of(frame).len() > 0 || !is_lost(pages.get(frame)?) {
                self.left.remove(&frame);
            }
        }
        Ok(())
    }

    /// What the kernel says now, if it can be asked.
    fn pages<'m>(&self, scene: &'m Scene<'_>) -> Result<Option<StructPages<'m>>, VmError> {
        let Some(layout) = self.layout else {
            return Ok(None);
        };
        let root = scene.stop.kernel_root()?;
        Ok(Some(StructPages::new(scene.memory(), root, layout)))
    }
}

impl StandingRule for StructPagesRule {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let View {
            scene, owners, names, ..
        } = view;
        let Some(pages) = self.pages(scene)? else {
            return Ok(Vec::new());
        };
        let compared = self.compare(&pages, owners, scene, names);
        Ok(compared.unwrap_or_else(|error| {
            let expected = "a structure for each frame that is mapped";
            vec![Finding::missing(
                "the kernel's account of its frames",
                expected,
                error.to_string(),
            )]
        }))
    }

    fn at_end(&mut self, _account: &Account, scene: &Scene<'_>) -> Vec<Finding> {
        let owners = Owners::of_spaces(scene.memory(), &scene.agents.spaces(), &Effort::default());
        // What cannot be asked was told of after the last step.
        let Ok(Some(pages)) = self.pages(scene) else {
            return Vec::new();
        };
        if self.forget_the_free(&pages, &owners).is_err() {
            return Vec::new();
        }
        let mut lost: BTreeMap<Channel, usize> = BTreeMap::new();
        for process in self.left.values() {
            *lost.entry(*process).or_default() += 1;
        }
        let lost = lost.into_iter().take(MAX_LOST).map(|(process, frames)| {
            Finding::new(
                Rule::FramesLost,
                format!("anonymous memory of {}", scene.process(process)),
                "free, since the process has ended",
                format!("{frames} frames in use by the kernel's account"),
            )
        });
        lost.collect()
    }
}

/// Of a frame that nobody maps any more, and that was memory of a process that has ended. One that is in use again for something else has
/// been free.
fn is_lost(info: FrameInfo) -> bool {
    info.kind == ANONYMOUS && info.references > 0
}

#[cfg(test)]
mod tests {
    use abi::frame_table::PAGE_TABLE;

    use super::*;

    #[test]
    fn anonymous_memory_with_references_is_lost_when_its_process_has_ended() {
        let info = |references, kind| FrameInfo {
            references,
            kind,
            private: 0,
        };
        assert!(is_lost(info(2, ANONYMOUS)));
        assert!(!is_lost(info(0, ANONYMOUS)) && !is_lost(info(2, PAGE_TABLE)));
    }
}
