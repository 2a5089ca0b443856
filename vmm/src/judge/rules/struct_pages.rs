//! What a Linux says of its frames agrees with the page tables: a frame that is mapped is in use, with a reference for each mapping, a page
//! table is marked as one, and at the end the anonymous memory of every process that has ended is free.

use std::collections::BTreeMap;

use super::{StandingRule, View};
use crate::address::{FrameNumber, Half};
use crate::channel::Channel;
use crate::drive::channel_of;
use crate::finding::Finding;
use crate::inspect::Effort;
use crate::inspect::owners::{Owner, Owners, TableUse};
use crate::inspect::struct_page::{PageInfo, PageLayout, StructPageError, StructPages};
use crate::inspect::walk::Level;
use crate::judge::account::Account;
use crate::judge::names::Names;
use crate::judge::scene::Scene;
use crate::rule::Rule;
use crate::vm::VmError;

/// Most processes whose lost frames are told.
const MAX_LOST: usize = 16;
const IN_USE: &str = "a frame in use";
const FREE: &str = "a frame that is free by the kernel's account";

/// Remembers whose anonymous memory frames were.
#[derive(Debug, Default)]
pub(in crate::judge) struct StructPagesRule {
    layout: Option<PageLayout>,
    /// Frames of anonymous memory that one process alone had at the last look.
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
        let mut findings = Vec::new();
        let mut held = BTreeMap::new();
        for (frame, owners) in owners.by_frame() {
            let mut users = owners.filter(|owner| owner.permissions.user);
            let mappings = users.clone().count();
            let Some(first) = users.next() else { continue };
            let info = pages.get(frame)?;
            findings.extend(mapped(frame, info, (first, mappings), scene, names));
            if info.is_anonymous && mappings == 1 {
                held.insert(frame, channel_of(first.space));
            }
        }
        for tables in owners.tables().chunk_by(|a, b| a.frame == b.frame) {
            let info = pages.get(tables[0].frame)?;
            findings.extend(page_table(tables, info, scene, names));
        }
        let is_alive = |process| scene.agents.alive().any(|(agent, _)| agent.channel == process);
        let of_ended = std::mem::replace(&mut self.held, held).into_iter();
        self.left
            .extend(of_ended.filter(|(_, process)| !is_alive(*process)));
        self.keep_lost(pages, owners)?;
        Ok(findings)
    }

    /// Forgets what is free by now, or mapped again.
    fn keep_lost(&mut self, pages: &StructPages<'_>, owners: &Owners) -> Result<(), StructPageError> {
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
        if self.keep_lost(&pages, &owners).is_err() {
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

/// What the kernel says of a frame that cannot be, since it is used as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contradiction {
    Free,
    PageTable,
    FewReferences,
    Unmarked,
}

/// Of a frame that users map so often.
fn wrong_with_mapped(info: PageInfo, mappings: usize) -> Option<Contradiction> {
    if info.is_reserved {
        return None;
    }
    match info.references {
        0 => Some(Contradiction::Free),
        _ if info.is_page_table == Some(true) => Some(Contradiction::PageTable),
        references => (u64::from(references) < mappings as u64).then_some(Contradiction::FewReferences),
    }
}

/// Of a page table of the user half. Only the lowest are marked in every release.
fn wrong_with_table(info: PageInfo, level: Level) -> Option<Contradiction> {
    if info.is_reserved {
        return None;
    }
    match info.references {
        0 => Some(Contradiction::Free),
        _ => (level == Level::Pt && info.is_page_table == Some(false)).then_some(Contradiction::Unmarked),
    }
}

/// Of a frame that nobody maps any more, and that was anonymous memory of a process that has ended. One that is in use again for
/// something else has been free.
fn is_lost(info: PageInfo) -> bool {
    info.is_anonymous && info.references > 0
}

fn mapped(
    frame: FrameNumber,
    info: PageInfo,
    (first, mappings): (Owner, usize),
    scene: &Scene<'_>,
    names: &mut Names,
) -> Option<Finding> {
    let wrong = wrong_with_mapped(info, mappings)?;
    let name = names.frame(frame);
    let place = format!("{}, {name}", scene.place_of(&first));
    Some(match wrong {
        Contradiction::Free => Finding::new(Rule::FreeFrameMapped, place, IN_USE, FREE),
        Contradiction::PageTable | Contradiction::Unmarked => {
            let found = "a page table by the kernel's account";
            Finding::new(Rule::KernelExposed, place, "user memory", found)
        }
        Contradiction::FewReferences => Finding::new(
            Rule::References,
            name,
            format!("at least {mappings} references, one for each mapping"),
            format!("{} by the kernel's account", info.references),
        ),
    })
}

/// A frame that is a page table. Those of the kernel's half may be older than the account.
fn page_table(uses: &[TableUse], info: PageInfo, scene: &Scene<'_>, names: &mut Names) -> Option<Finding> {
    let is_of_user = |table: &&TableUse| table.address.half() == Some(Half::User);
    let table = uses.iter().find(is_of_user)?;
    let wrong = wrong_with_table(info, table.level)?;
    let process = scene.process(channel_of(table.space));
    let place = format!("page table of {process}, {}", names.frame(table.frame));
    Some(match wrong {
        Contradiction::Free | Contradiction::FewReferences => {
            Finding::new(Rule::FreeFrameMapped, place, IN_USE, FREE)
        }
        Contradiction::Unmarked | Contradiction::PageTable => {
            let expected = "a page table by the kernel's account";
            Finding::new(Rule::PageTables, place, expected, "not marked as one")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USED: PageInfo = PageInfo {
        references: 2,
        is_reserved: false,
        is_anonymous: true,
        is_page_table: Some(false),
    };
    const FREED: PageInfo = PageInfo {
        references: 0,
        ..USED
    };
    const MARKED: PageInfo = PageInfo {
        is_anonymous: false,
        is_page_table: Some(true),
        ..USED
    };

    #[test]
    fn a_frame_that_is_mapped_has_a_reference_for_each_mapping_and_is_no_page_table() {
        assert_eq!(wrong_with_mapped(USED, 2), None);
        assert_eq!(wrong_with_mapped(USED, 3), Some(Contradiction::FewReferences));
        assert_eq!(wrong_with_mapped(FREED, 1), Some(Contradiction::Free));
        assert_eq!(wrong_with_mapped(MARKED, 1), Some(Contradiction::PageTable));
    }

    #[test]
    fn a_page_table_is_in_use_and_marked_where_the_kernel_marks_them() {
        assert_eq!(wrong_with_table(MARKED, Level::Pt), None);
        assert_eq!(wrong_with_table(USED, Level::Pt), Some(Contradiction::Unmarked));
        assert_eq!(wrong_with_table(USED, Level::Pml4), None);
        assert_eq!(wrong_with_table(FREED, Level::Pml4), Some(Contradiction::Free));
        let silent = PageInfo {
            is_page_table: None,
            ..USED
        };
        assert_eq!(wrong_with_table(silent, Level::Pt), None);
    }

    #[test]
    fn what_is_not_the_allocators_has_no_references_that_count() {
        let reserved = PageInfo {
            is_reserved: true,
            ..FREED
        };
        assert_eq!(wrong_with_mapped(reserved, 7), None);
        assert_eq!(wrong_with_table(reserved, Level::Pt), None);
    }

    #[test]
    fn anonymous_memory_with_references_is_lost_when_its_process_has_ended() {
        assert!(is_lost(USED));
        assert!(!is_lost(FREED) && !is_lost(MARKED));
    }
}
