//! The shadow page table: what it says of its target, against the target's page tables and what the steps have mapped.
//!
//! The entries are read where the inspector sees them, through the inspector's own page tables. Mapped, and on which frame, is what
//! the judge's walk of the target's page tables says; allocated and anonymous is what the reference model says. Of memory that
//! no step has named, such as a stack that nobody has touched yet, the model knows nothing: there a mapped page must be
//! allocated, an anonymous one too, and what is left is for a check step to ask.
//!
//! - [`entry`]: an entry as it stands in memory
//! - [`truth`]: what an entry may say, and where there is more than one right answer

mod entry;
mod truth;

use abi::PAGE_SIZE;
use abi::frame_table::SHADOW_TABLE;
use comfy_table::{Table, presets};

use super::{StandingRule, View};
use crate::address::FrameNumber;
use crate::finding::Finding;
use crate::inspect::frame_table::FrameTable;
use crate::inspect::walk::{Root, translate};
use crate::judge::names::Names;
use crate::judge::scene::{Scene, address_of};
use crate::model::{PageNumber, ShadowTable, Tracking};
use crate::rule::Rule;
use crate::scenario::SpteFlag;
use crate::vm::VmError;
use entry::{Entry, named};
use truth::Truth;

/// Most pages that one finding lists.
const MAX_ROWS: usize = 16;

/// What the judge remembers from one step to the next.
#[derive(Debug, Default)]
pub(super) struct ShadowTableRule {
    /// Frames of the table that is open, or was until it was closed.
    frames: Vec<FrameNumber>,
    /// The inspector's pages that showed them.
    window: Vec<(Root, PageNumber)>,
    /// The entries, of a table that is open.
    entries: Vec<Option<Entry>>,
}

impl StandingRule for ShadowTableRule {
    fn audit(&mut self, view: &mut View<'_, '_>) -> Result<Vec<Finding>, VmError> {
        let mut findings = Vec::new();
        match view.scene.model.shadow_table() {
            Some(table) => self.open_table(view, table, &mut findings),
            None => self.closed_table(view, &mut findings),
        }
        Ok(findings)
    }
}

impl ShadowTableRule {
    fn open_table(&mut self, view: &mut View<'_, '_>, table: &ShadowTable, findings: &mut Vec<Finding>) {
        let View {
            scene,
            account,
            names,
            ..
        } = view;
        let Some(inspector) = root_of(scene, table) else {
            return;
        };
        let (frames, window) = window(scene, *account, names, (table, inspector), findings);
        let pages = table.pages();
        let entries: Vec<Option<Entry>> = (0..pages.end - pages.start)
            .map(|index| Entry::read(scene, table, inspector, index))
            .collect();
        self.compare(scene, names, table, &entries, findings);
        let in_use = account.map(frames_by_account);
        if let Some(found) = in_use.filter(|found| *found != frames_of(table)) {
            findings.push(Finding::new(
                Rule::ShadowTable,
                "frames of the shadow page table",
                format!("{} in use", frames_of(table)),
                format!("{found} in use, by the kernel's account"),
            ));
        }
        *self = ShadowTableRule {
            frames,
            window,
            entries,
        };
    }

    /// Holds every entry that can be seen against what it must say.
    fn compare(
        &self,
        scene: &Scene<'_>,
        names: &mut Names,
        table: &ShadowTable,
        entries: &[Option<Entry>],
        findings: &mut Vec<Finding>,
    ) {
        let mut rows = Vec::new();
        for ((page, entry), index) in table.pages().zip(entries).zip(0..) {
            let Some(entry) = *entry else { continue };
            let expected = match table.tracking {
                Tracking::Fresh => Truth::Untouched {
                    vaddr: address_of(page).0,
                },
                Tracking::Started => Truth::of(scene, table, page),
                Tracking::Stopped => match self.entries.get(index).copied().flatten() {
                    Some(before) => Truth::Unchanged(before),
                    None => continue,
                },
            };
            if !expected.admits(entry) {
                rows.push((page, entry, expected));
            }
        }
        if rows.is_empty() {
            return;
        }
        let (expected, other) = match table.tracking {
            Tracking::Fresh => ("entries that say nothing until the first start", "expected"),
            Tracking::Started => ("entries that say what the page walk finds", "it must say"),
            Tracking::Stopped => ("entries that stay as they were at the stop", "before"),
        };
        let place = scene.place(table.inspector, table.entries);
        let found = draw(scene, table, &rows, other, names);
        findings.push(Finding::new(Rule::ShadowTable, place, expected, found));
    }

    /// Nothing of a table that was closed is left: no page shows its frames, and no frame is in use.
    fn closed_table(&mut self, view: &mut View<'_, '_>, findings: &mut Vec<Finding>) {
        let View {
            scene,
            account,
            names,
            ..
        } = view;
        let ShadowTableRule { frames, window, .. } = std::mem::take(self);
        for (root, number) in window {
            let owner = scene.agents.alive().find(|(_, alive)| *alive == root);
            let found = translate(scene.memory(), root, address_of(number)).ok();
            if let (Some((agent, _)), Some(found)) = (owner, found)
                && frames.contains(&found.frame())
            {
                findings.push(Finding::new(
                    Rule::ShadowTable,
                    scene.place(agent.channel, address_of(number)),
                    "not mapped since the shadow page table was closed",
                    format!("mapped, {}", names.frame(found.frame())),
                ));
            }
        }
        if let Some(found) = account.map(frames_by_account).filter(|found| *found > 0) {
            findings.push(Finding::new(
                Rule::ShadowTable,
                "frames of the shadow page table",
                "none in use, since none is open",
                format!("{found} in use, by the kernel's account"),
            ));
        }
    }
}

/// The flags of the entry for a page, as the inspector sees it; None when there is no such entry to be seen.
pub(in crate::judge) fn flags_of(scene: &Scene<'_>, page: PageNumber) -> Option<Vec<SpteFlag>> {
    let table = scene.model.shadow_table()?;
    let index = page
        .checked_sub(table.pages().start)
        .filter(|_| table.pages().contains(&page))?;
    let entry = Entry::read(scene, table, root_of(scene, table)?, index)?;
    Some(named(entry.flags).collect())
}

/// The inspector sees the kernel's frames, and cannot write to them. Gives the frames, and the pages that show them.
fn window(
    scene: &Scene<'_>,
    account: Option<&FrameTable>,
    names: &mut Names,
    (table, inspector): (&ShadowTable, Root),
    findings: &mut Vec<Finding>,
) -> (Vec<FrameNumber>, Vec<(Root, PageNumber)>) {
    let (mut frames, mut pages) = (Vec::new(), Vec::new());
    let window = table.window();
    for number in window.start.0 / PAGE_SIZE..window.end.0 / PAGE_SIZE {
        if !scene.model.shows_shadow_table(table.inspector, number) {
            continue;
        }
        let place = || scene.place(table.inspector, address_of(number));
        let mut complain = |expected: &str, found: String| {
            findings.push(Finding::new(Rule::ShadowTable, place(), expected, found));
        };
        let expected = "a page of the shadow page table, to be read";
        let Some(found) = translate(scene.memory(), inspector, address_of(number))
            .ok()
            .filter(|found| found.permissions.user)
        else {
            // Protection may forbid even to read; that is the inspector's own doing.
            let page = scene.model.page(table.inspector, number);
            if page.is_some_and(|page| page.accessible()) {
                complain(expected, "not mapped".to_owned());
            }
            continue;
        };
        if found.permissions.writable {
            complain(expected, format!("writable, {}", names.frame(found.frame())));
        }
        let kind = account.and_then(|account| account.get(found.frame()));
        if let Some(info) = kind.filter(|info| info.kind != SHADOW_TABLE) {
            let name = abi::frame_table::frame_kind_name(info.kind).unwrap_or("unknown");
            complain(expected, format!("{name} by the kernel's account"));
        }
        frames.push(found.frame());
        pages.push((inspector, number));
    }
    (frames, pages)
}

/// `page`, `the guest says`, and what it must say: a row for each page that differs.
fn draw(
    scene: &Scene<'_>,
    table: &ShadowTable,
    rows: &[(PageNumber, Entry, Truth)],
    other: &str,
    names: &mut Names,
) -> String {
    let mut drawing = Table::new();
    drawing
        .load_preset(presets::NOTHING)
        .set_header(["page", "the guest says", other]);
    for (page, entry, expected) in rows.iter().take(MAX_ROWS) {
        let place = scene.place(table.target, address_of(*page));
        let guest = entry.words(expected.vaddr(), names);
        let walk = expected.words(names);
        drawing.add_row([place, guest, walk]);
    }
    let mut text: Vec<String> = drawing
        .to_string()
        .lines()
        .map(|line| line.trim().to_owned())
        .collect();
    if rows.len() > MAX_ROWS {
        text.push(format!("and {} more", rows.len() - MAX_ROWS));
    }
    text.join("\n")
}

/// Frames that the kernel says it uses for a shadow page table.
fn frames_by_account(account: &FrameTable) -> u64 {
    let is_of_table = |(_, info): &(FrameNumber, abi::frame_table::FrameInfo)| {
        info.references > 0 && info.kind == SHADOW_TABLE
    };
    account.iter().filter(is_of_table).count() as u64
}

fn frames_of(table: &ShadowTable) -> u64 {
    let window = table.window();
    (window.end.0 - window.start.0) / PAGE_SIZE
}

fn root_of(scene: &Scene<'_>, table: &ShadowTable) -> Option<Root> {
    scene.agents.get(table.inspector)?.root
}
