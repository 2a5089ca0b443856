//! What the named memory of processes was like after a step: which pages there are, which frames they are on, and what may be done with
//! them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::printable::Printable;

/// The named memory of all processes after a step. Memory that no step names, such as a process's program, is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryMap {
    /// The processes that there are, oldest first.
    pub processes: Vec<ProcessMemory>,
    /// Whether the memory after further steps is not recorded, because there is too much of it.
    pub is_last: bool,
}

/// The named memory of one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessMemory {
    /// The scenario's name for the process.
    pub process: Printable,
    /// Its areas by address.
    pub areas: Vec<Area>,
}

/// A run of pages that a step named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Area {
    /// Its name.
    pub name: Printable,
    /// Its length in pages.
    pub length_pages: usize,
    /// Its pages by address: of a long area, the first of those that are in memory.
    pub pages: Vec<MappedPage>,
}

/// A page of an area.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedPage {
    /// Its number in the area, from 0.
    pub page: u64,
    /// What the process asked for, as in `rw-`; empty for a page that it unmapped.
    pub mapped_for: String,
    /// The frame that it is on, and what the page table allows there; None when it is not in memory.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on: Option<MappedFrame>,
    /// Whether it holds something else than after the step before.
    pub is_written: bool,
}

/// Where a page-table entry leads, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedFrame {
    /// The frame's name, the same as everywhere in the report.
    pub frame: Printable,
    /// What it allows to the process, as in `r--`.
    pub allows: String,
    /// What the frame holds: the first 16 hexadecimal digits of its SHA-256. Empty when it could not be read.
    #[serde(default)]
    pub contents: String,
}

impl MemoryMap {
    /// A process's page by its names, if it is recorded.
    pub(super) fn page(&self, process: &str, area: &str, page: u64) -> Option<&MappedPage> {
        let process = self.processes.iter().find(|memory| memory.process == *process)?;
        let area = process.areas.iter().find(|known| known.name == *area)?;
        area.pages.iter().find(|known| known.page == page)
    }
}
