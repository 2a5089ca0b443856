//! The kernel's own account of its frames: how many are free, and whether all have come back.

use std::collections::BTreeMap;

use abi::frame_table::frame_kind_name;

use crate::address::PhysAddr;
use crate::finding::Finding;
use crate::inspect::PhysicalMemory;
use crate::inspect::frame_table::FrameTable;
use crate::rule::Rule;

/// Where the account is, and what it said at the start.
#[derive(Debug, Default)]
pub(super) struct Account {
    published: Option<(PhysAddr, u64)>,
    at_start: Option<BTreeMap<u16, u64>>,
}

impl Account {
    pub(super) fn published(&mut self, base: PhysAddr, frames: u64) {
        self.published = Some((base, frames));
    }

    pub(super) fn begin(&mut self, memory: PhysicalMemory<'_>) {
        self.at_start = self
            .table(memory)
            .and_then(Result::ok)
            .as_ref()
            .map(frames_in_use);
    }

    /// The account; None when this kernel keeps none, Err when the published one cannot be read.
    pub(super) fn table(&self, memory: PhysicalMemory<'_>) -> Option<Result<FrameTable, Finding>> {
        let (base, frames) = self.published?;
        Some(FrameTable::read(memory, base, frames).map_err(|error| {
            Finding::new(
                Rule::Reports,
                "the kernel's frame table",
                "a table in guest memory",
                error.to_string(),
            )
        }))
    }

    pub(super) fn free_frames(&self, memory: PhysicalMemory<'_>) -> Option<u64> {
        let table = self.table(memory)?.ok()?;
        Some(table.iter().filter(|(_, info)| info.references == 0).count() as u64)
    }

    /// Compares the account with the one at the start, kind by kind.
    pub(super) fn lost_frames(&self, memory: PhysicalMemory<'_>) -> Vec<Finding> {
        let (Some(table), Some(at_start)) = (self.table(memory), &self.at_start) else {
            return Vec::new();
        };
        let now = match &table {
            Ok(table) => frames_in_use(table),
            Err(finding) => return vec![finding.clone()],
        };
        let kinds: std::collections::BTreeSet<_> = at_start.keys().chain(now.keys()).collect();
        kinds
            .into_iter()
            .map(|kind| {
                (
                    kind,
                    at_start.get(kind).unwrap_or(&0),
                    now.get(kind).unwrap_or(&0),
                )
            })
            .filter(|(_, before, after)| before != after)
            .map(|(kind, before, after)| {
                let kind = frame_kind_name(*kind).map_or_else(
                    || format!("frames of the unknown kind {kind}"),
                    |name| format!("{} frames", name.to_lowercase().replace('_', " ")),
                );
                let count = |number: &u64| format!("{number} in use");
                Finding::new(Rule::FramesLost, kind, count(before), count(after))
            })
            .collect()
    }
}

/// Number of frames with references, by kind.
fn frames_in_use(table: &FrameTable) -> BTreeMap<u16, u64> {
    let mut counts = BTreeMap::new();
    for (_, info) in table.iter().filter(|(_, info)| info.references != 0) {
        *counts.entry(info.kind).or_insert(0) += 1;
    }
    counts
}
