//! What a check step can expect of memory and processes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::address::{ProcessAddress, ProcessRegion, RegionAddress};
use super::content::ContentAt;
use super::diff::PageDiff;
use super::functions::Calls;
use super::name::ProcessName;
use super::outcome::{Ending, Signal};
use super::vsock::VsockPort;

/// One expectation: an object with exactly one key, which says what is expected.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expectation {
    /// All these addresses are mapped, and on one and the same frame.
    SameFrame(#[schemars(length(min = 2))] Vec<ProcessAddress>),
    /// All these addresses are mapped, and no two of them on the same frame.
    DifferentFrames(#[schemars(length(min = 2))] Vec<ProcessAddress>),
    /// A page table maps each of these addresses for the process.
    Mapped(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// No page table maps any of these addresses for the process.
    NotMapped(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// No page table maps any of these addresses for the process, and the disk holds what is in their pages.
    SwappedOut(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// The process can store to each of these addresses without a fault.
    Writable(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// A store of the process to any of these addresses would fault: mapped read-only, or not mapped.
    NotWritable(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// Memory holds exactly these bytes.
    Content(ContentAt<ProcessAddress>),
    /// Exactly these pages of the region changed their contents since the last check step (or the start).
    Dirtied {
        /// The region.
        region: ProcessRegion,
        /// Numbers of the changed pages, from 0; empty when none changed.
        pages: Vec<u64>,
    },
    /// The shadow page table, read where its inspector sees it, says exactly this of a page of its target.
    Spte {
        /// The page.
        at: ProcessAddress,
        /// The flags that are set; none for a page that is not allocated.
        is: Vec<SpteFlag>,
    },
    /// The process maps the very frames of pages that a module offers, one after the other.
    ModulePages(ModulePages),
    /// What programs have loaded from a warehouse since the last such check, page by page with the first access.
    Loaded(Loaded),
    /// Programs have tracked stores, by write protection and userfaultfd, so many times since the last such check: each time, from
    /// registration to unregistration, a store has met the protection on exactly these pages of the range, in ascending order.
    /// They are those whose contents have changed, and KVM's log has them as written.
    Tracked(#[schemars(length(min = 1))] Vec<Vec<u64>>),
    /// Each of these addresses is still on the frame it was on at the last check step.
    FrameKept(#[schemars(length(min = 1))] Vec<ProcessAddress>),
    /// The number of free frames changed by exactly this much.
    FreeFrames {
        /// From when on.
        since: Since,
        /// Frames that became free, or that were taken when negative.
        change: i64,
    },
    /// The process has ended, and so.
    ExitStatus(ProcessEnding),
    /// The last fault that ended the process was this access.
    Faulted {
        /// The process.
        process: ProcessName,
        /// The address that the access faulted on; any byte of the same page counts.
        at: RegionAddress,
        /// What it tried.
        access: Access,
    },
    /// Of all that has a name in the memory of the processes that were there at the last check step, and still are, exactly these pages
    /// are otherwise than they were then. None at all where the list is empty.
    Diff(Vec<PageDiff>),
    /// The kernel has called these functions since the last check step, or the first step: found by stepping the processor, so it
    /// needs a kernel that has its symbols.
    Calls(Calls),
}

impl Expectation {
    /// Every place in memory that the expectation names, for whoever wants to name others.
    pub(in crate::scenario) fn places_mut(&mut self) -> Vec<&mut RegionAddress> {
        match self {
            Self::SameFrame(places)
            | Self::DifferentFrames(places)
            | Self::Mapped(places)
            | Self::NotMapped(places)
            | Self::SwappedOut(places)
            | Self::Writable(places)
            | Self::NotWritable(places)
            | Self::FrameKept(places) => places.iter_mut().map(|place| &mut place.place).collect(),
            Self::Content(what) => vec![&mut what.at.place],
            Self::Diff(pages) => pages.iter_mut().map(|page| &mut page.at.place).collect(),
            Self::Spte { at, .. } | Self::ModulePages(ModulePages { at, .. }) => vec![&mut at.place],
            Self::Faulted { at, .. } => vec![at],
            Self::Dirtied { .. }
            | Self::Loaded(_)
            | Self::Tracked(_)
            | Self::FreeFrames { .. }
            | Self::ExitStatus(_)
            | Self::Calls(_) => Vec::new(),
        }
    }
}

/// A flag of a shadow page-table entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename = "Flag", rename_all = "snake_case")]
pub enum SpteFlag {
    /// The page lies in an area.
    Allocated,
    /// The area is anonymous memory.
    Anonymous,
    /// A frame is mapped there.
    Mapped,
}

/// Pages that a module offers, and a process maps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModulePages {
    /// The module.
    pub module: String,
    /// Where the process has mapped them.
    pub at: ProcessAddress,
    /// How many pages.
    #[schemars(range(min = 1))]
    pub pages: u64,
    /// The first of the module's pages, from 0.
    #[serde(default)]
    pub first: u64,
    /// How the frames lie in physical memory.
    pub frames: Layout,
    /// Whether the kernel's account has them as reserved.
    pub reserved: bool,
}

/// Pages that programs wait for and a warehouse has.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Loaded {
    /// The port behind which the warehouse is.
    pub port: VsockPort,
    /// Numbers of the pages, in the order in which somebody touched them. Each was fetched once, holds what the warehouse has,
    /// and no other page of the mapping came with it.
    pub pages: Vec<u64>,
    /// Most frames that the program had at any of these moments, its own pages included.
    pub frames_at_most: u64,
}

/// How the frames of several pages lie in physical memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Each one behind the one before.
    Row,
    /// Not all of them one behind the other.
    Scattered,
}

/// A moment to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// Before the first step.
    Start,
    /// The last check step.
    LastCheck,
}

/// What a memory access tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A load.
    Read,
    /// A store.
    Write,
    /// An instruction fetch.
    Execute,
}

/// A process and how it has ended.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "ProcessEndingFields")]
pub struct ProcessEnding {
    /// The process.
    pub of: ProcessName,
    /// How it has ended.
    pub ending: Ending,
}

/// How [`ProcessEnding`] is spelled: the ending's one key stands beside `of`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["exit"] }, { "required": ["signal"] }]))]
struct ProcessEndingFields {
    /// The process.
    of: ProcessName,
    /// It exited with this status, 0 to 255.
    #[serde(default)]
    #[schemars(with = "u8")]
    exit: Option<u8>,
    /// This signal ended it.
    #[serde(default)]
    #[schemars(with = "Signal")]
    signal: Option<Signal>,
}

/// Not exactly one way to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected exactly one of `exit` and `signal`, found {found}")]
pub struct ProcessEndingError {
    /// How many of them there are.
    pub found: usize,
}

impl TryFrom<ProcessEndingFields> for ProcessEnding {
    type Error = ProcessEndingError;

    fn try_from(fields: ProcessEndingFields) -> Result<Self, ProcessEndingError> {
        let ProcessEndingFields { of, exit, signal } = fields;
        match (exit, signal) {
            (Some(status), None) => Ok(Self {
                of,
                ending: Ending::Exit(status),
            }),
            (None, Some(signal)) => Ok(Self {
                of,
                ending: Ending::Signal(signal),
            }),
            (None, None) => Err(ProcessEndingError { found: 0 }),
            (Some(_), Some(_)) => Err(ProcessEndingError { found: 2 }),
        }
    }
}
