//! What a step can have a process do.

use schemars::JsonSchema;
use serde::Deserialize;

use super::address::{Place, ProcessAddress, RegionAddress};
use super::content::{ContentAt, KernelCopy};
use super::memory::{Advice, MapFlag, Number, Placement, Protection, Sharing};
use super::name::{ProcessName, RegionName};
use super::outcome::{Ending, Signal};
use crate::promise::Promise;

/// The byte that `touch_stack` stores at the lowest address of each page.
pub const STACK_BYTE: u8 = 0x5a;

/// What the process does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[schemars(tag = "do")]
pub enum Operation {
    /// Map anonymous memory, or a file, and give the region a name.
    Mmap {
        /// Name of the new region.
        #[serde(rename = "as")]
        region: RegionName,
        /// Length in pages of 4 KiB.
        #[serde(default)]
        #[schemars(with = "u64")]
        pages: Option<u64>,
        /// Length in bytes, in the place of `pages`.
        #[serde(default)]
        #[schemars(with = "Number")]
        bytes: Option<Number>,
        /// What the process may do with the pages.
        prot: Protection,
        /// Whether stores stay the process's own.
        #[serde(default)]
        sharing: Sharing,
        /// Map here; without it the kernel chooses.
        #[serde(default)]
        #[schemars(with = "Place")]
        at: Option<Place>,
        /// What `at` means to the kernel.
        #[serde(default)]
        placement: Placement,
        /// More flags.
        #[serde(default)]
        flags: Vec<MapFlag>,
        /// Map this file instead of anonymous memory: one of the guest image, which nobody may store to, or a device such as `/dev/kmmap`.
        #[serde(default)]
        #[schemars(with = "String")]
        file: Option<String>,
        /// Map the file from this byte on.
        #[serde(default)]
        offset: Number,
    },
    /// Unmap pages. The region keeps its name, so a later step can fault on it.
    Munmap {
        /// First page.
        at: Place,
        /// Length in pages of 4 KiB.
        #[serde(default)]
        #[schemars(with = "u64")]
        pages: Option<u64>,
        /// Length in bytes, in the place of `pages`.
        #[serde(default)]
        #[schemars(with = "Number")]
        bytes: Option<Number>,
    },
    /// Change what the process may do with pages.
    Mprotect {
        /// First page.
        at: Place,
        /// Length in pages of 4 KiB.
        #[serde(default)]
        #[schemars(with = "u64")]
        pages: Option<u64>,
        /// Length in bytes, in the place of `pages`.
        #[serde(default)]
        #[schemars(with = "Number")]
        bytes: Option<Number>,
        /// What the process may do with the pages from now on.
        prot: Protection,
    },
    /// Advise the kernel about pages.
    Madvise {
        /// First page.
        at: Place,
        /// Length in pages of 4 KiB.
        #[serde(default)]
        #[schemars(with = "u64")]
        pages: Option<u64>,
        /// Length in bytes, in the place of `pages`.
        #[serde(default)]
        #[schemars(with = "Number")]
        bytes: Option<Number>,
        /// The advice.
        advice: Advice,
    },
    /// Move the end of the heap. The heap is the region `heap`; it starts empty, at the first page boundary not below the
    /// break that the process started with.
    Brk {
        /// Pages that the heap grows by, or shrinks by when negative.
        pages: i64,
    },
    /// Grow the stack: move the stack pointer down page by page and store the byte 0x5a (90) at the lowest address of each.
    TouchStack {
        /// Name of the new region; its page 0 is the lowest page touched.
        #[serde(rename = "as")]
        region: RegionName,
        /// Pages to touch.
        pages: u64,
    },
    /// Give a name to the pages right below the one on which the stack is now, touched or not. The last one is the first that
    /// `touch_stack` would touch.
    StackRoom {
        /// Name of the new region; its page 0 is the lowest.
        #[serde(rename = "as")]
        region: RegionName,
        /// How many pages.
        pages: u64,
    },
    /// Load bytes and compare them with what is expected.
    Read(ContentAt<Place>),
    /// Store bytes.
    Write(ContentAt<Place>),
    /// Have the kernel store bytes for the process: read(2) of a file that holds them.
    CopyToUser(KernelCopy<Place>),
    /// Have the kernel load bytes for the process, and compare them with what is expected: write(2) to an empty file.
    CopyFromUser(KernelCopy<Place>),
    /// Have the kernel store bytes in the memory of some process, by `/proc/PID/mem`, whatever that process may do with them.
    MemWrite(KernelCopy<ProcessAddress>),
    /// Have the kernel load bytes from the memory of some process, by `/proc/PID/mem`, and compare them with what is expected.
    MemRead(KernelCopy<ProcessAddress>),
    /// Fork. The child starts with its parent's regions and their names.
    Fork {
        /// Name of the child.
        #[serde(rename = "as")]
        child: ProcessName,
    },
    /// Fork children, which stay alive, until fork fails with the expected `errno`. The group may be told to `exit` as one,
    /// and its parent may `wait` for it as one.
    ForkUntil {
        /// Name of the group of children.
        #[serde(rename = "as")]
        group: ProcessName,
        /// Most children; when even that many can be made, the step has failed.
        limit: u64,
        /// An earlier group that had as many: what the guest could give then it can give again.
        #[serde(default)]
        #[schemars(with = "ProcessName")]
        as_many_as: Option<ProcessName>,
    },
    /// End the process. A group's members end one after the other, in the order in which they were forked.
    Exit {
        /// Exit status, 0 to 255.
        status: u8,
    },
    /// Wait for a child that has ended, and take its status. For a group: take the status of each member, one after the
    /// other.
    Wait {
        /// Which child or group of children; without it any child.
        #[serde(default, rename = "for")]
        #[schemars(with = "ProcessName")]
        child: Option<ProcessName>,
        /// Return at once when no child has ended (WNOHANG).
        #[serde(default)]
        nohang: bool,
        /// How the child should have ended. Left out together with `nohang: true` it means that none has ended yet.
        #[serde(default)]
        #[schemars(with = "Ending")]
        status: Option<Ending>,
    },
    /// Collect the call that this process started in an earlier step with `blocks: true`. What to expect of it stands there.
    Finish,
    /// Give up the processor once.
    SchedYield,
    /// Run a program of the guest image as a child, and wait for its end.
    Exec {
        /// Name of the program in the guest image.
        program: String,
        /// Arguments after the program's own name.
        #[serde(default)]
        args: Vec<String>,
        /// How the program should end.
        #[serde(default = "clean_exit")]
        status: Ending,
        /// Exactly what it should print on its standard output; without it the output is shown and not judged.
        #[serde(default)]
        #[schemars(with = "String")]
        output: Option<String>,
        /// What the kernel must tell of while the program runs, at least once each, as far as the guest promises to tell of it; if it does not,
        /// there is no evidence for what the step shows. Where the guest does not promise it, the report lists the rules that are not judged.
        #[serde(default)]
        reports: Vec<Promise>,
        /// Give the program a random word and have it print the word transformed, as programs of the guest image that are made for it do.
        /// The line with it is no part of the output.
        #[serde(default)]
        nonce: bool,
        /// Programs of the guest image that it starts and that may print too. What nobody of these prints is no output.
        #[serde(default)]
        starts: Vec<String>,
    },
    /// Replace the process's program. The process keeps its pid and its parent; its regions are gone.
    Execve {
        /// Name of the program in the guest image; one that can be driven, which is `agent`, unless an `errno` is expected.
        program: String,
        /// The path that the kernel is given.
        #[serde(default)]
        path: PathArgument,
    },
    /// Send a signal. No process has a handler, so it ends the other process or does nothing.
    Kill {
        /// The process that gets it.
        of: ProcessName,
        /// The signal.
        signal: Signal,
    },
    /// Sleep. A virtual clock moves on meanwhile, unless the call `blocks`.
    Sleep {
        /// Milliseconds that the call must last at least.
        #[schemars(range(min = 1, max = MAX_SLEEP_MS))]
        ms: u64,
    },
    /// Ask for the parent's process id.
    Getppid {
        /// Whose it must be.
        is: ProcessName,
    },
    /// Become another user. Only the superuser can, and does not come back.
    Setuid {
        /// The user; 0 is the superuser.
        uid: u32,
    },
    /// Have a request for memory that the kernel makes for this process fail: Linux's `/proc/self/fail-nth`.
    FailNth {
        /// Which one from now on, counted from 1; 0 takes the order back.
        nth: u64,
    },
    /// Ask `/proc/PID/pagemap` where pages are. What it says of frames is held against the page tables. For the superuser: nobody
    /// else is told.
    Pagemap {
        /// The first page, of whatever process.
        of: ProcessAddress,
        /// What is told of each page, from the first one on; left out when an `errno` is expected.
        #[serde(default)]
        is: Vec<PageState>,
    },
    /// Open the shadow page table for a range of another process, the target.
    ShadowptOpen {
        /// The target.
        of: ProcessName,
        /// Start of the range, in the target's memory.
        from: RegionAddress,
        /// First address behind the range, in the target's memory.
        to: RegionAddress,
        /// Where this process wants to see the table.
        entries: RegionAddress,
        /// Have each request for memory that the kernel makes on the way fail first, one at a time: as often it must be refused
        /// with ENOMEM. The call that counts comes when none is left.
        #[serde(default)]
        each_request_fails: bool,
    },
    /// Close the shadow page table.
    ShadowptClose,
    /// Have the shadow page table show what the target has, from now on.
    ShadowptStart,
    /// Leave the shadow page table as it is.
    ShadowptStop,
    /// Ask for the contents of a frame, by its number. The harness finds the number; it is 0 for a page that is not mapped.
    ShadowptPageContents {
        /// A page that is on that frame, of whatever process.
        of: ProcessAddress,
        /// Where the contents go, in this process's memory.
        into: RegionAddress,
    },
    /// Loop in user mode without end. Only a signal ends it; always with `blocks: true`, and only with a real clock.
    Spin,
}

impl Operation {
    /// Every place in memory that the operation names, for whoever wants to name others.
    pub(in crate::scenario) fn places_mut(&mut self) -> Vec<&mut RegionAddress> {
        match self {
            Self::Mmap { at, .. } => at.iter_mut().filter_map(Place::region_mut).collect(),
            Self::Munmap { at, .. }
            | Self::Mprotect { at, .. }
            | Self::Madvise { at, .. }
            | Self::Read(ContentAt { at, .. })
            | Self::Write(ContentAt { at, .. }) => at.region_mut().into_iter().collect(),
            Self::CopyToUser(copy) | Self::CopyFromUser(copy) => {
                copy.what.at.region_mut().into_iter().collect()
            }
            Self::MemWrite(copy) | Self::MemRead(copy) => vec![&mut copy.what.at.place],
            Self::Pagemap { of, .. } => vec![&mut of.place],
            Self::ShadowptOpen {
                from, to, entries, ..
            } => vec![from, to, entries],
            Self::ShadowptPageContents { of, into } => vec![&mut of.place, into],
            Self::Brk { .. }
            | Self::TouchStack { .. }
            | Self::StackRoom { .. }
            | Self::Fork { .. }
            | Self::ForkUntil { .. }
            | Self::Exit { .. }
            | Self::Wait { .. }
            | Self::Finish
            | Self::SchedYield
            | Self::Exec { .. }
            | Self::Execve { .. }
            | Self::Kill { .. }
            | Self::Sleep { .. }
            | Self::Getppid { .. }
            | Self::Setuid { .. }
            | Self::FailNth { .. }
            | Self::ShadowptClose
            | Self::ShadowptStart
            | Self::ShadowptStop
            | Self::Spin => Vec::new(),
        }
    }
}

/// What the kernel tells of a page, and what its page table has there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageState {
    /// Told to be in memory; in the frame that is mapped there.
    Present,
    /// Told to be on a swap device; not mapped.
    Swapped,
    /// Told to be nowhere; not mapped.
    None,
    /// Told to be nowhere, but mapped: what a driver maps from the start, as on Linux.
    LeftOut,
    /// Told to be in memory, but not mapped: a page without any access.
    Inaccessible,
}

/// Longest sleep, in milliseconds: somebody waits for the verdict.
pub const MAX_SLEEP_MS: u64 = 60_000;

fn clean_exit() -> Ending {
    Ending::Exit(0)
}

/// How the kernel is told which program to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathArgument {
    /// By the address of its name.
    #[default]
    Name,
    /// By an address that is not mapped.
    Unmapped,
}
