//! What does not fit together.

use crate::scenario::suggest;

/// What does not fit together. Steps are counted from 0, as in paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::scenario) enum CheckError {
    #[error("expected the file's name `{file_stem}`, found `{found}`")]
    FileStem { found: String, file_stem: String },
    #[error("{quantity} out of range: expected {least} to {most}, found {found}")]
    OutOfRange {
        quantity: &'static str,
        least: u64,
        most: u64,
        found: u64,
    },
    #[error(
        "`{found}` cannot stand on a kernel command line: expected printable ASCII without spaces and quotes"
    )]
    OptionText { found: String },
    #[error("the option `{found}` is the harness's own")]
    OptionReserved { found: String },
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("the guest has no disk")]
    NoDisk,
    #[error("no step is an operation of a process, so there is none")]
    NoOperation,
    #[error("expected at least {least} addresses, found {found}")]
    TooFewAddresses { least: usize, found: usize },
    #[error("`{found}` stands in this list twice")]
    ListedTwice { found: String },
    #[error("`{id}` says something else in steps[{step}]: {text:?}")]
    ClauseSaysOther { id: String, step: usize, text: String },

    #[error("no process `{found}` at this step")]
    UnknownProcess { found: String, known: Vec<String> },
    #[error("the process `{process}` has ended: {how} in steps[{step}]")]
    ProcessEnded {
        process: String,
        how: &'static str,
        step: usize,
    },
    #[error("the process `{process}` still waits in the call of steps[{step}]")]
    ProcessWaits { process: String, step: usize },
    #[error("`{group}` is a group of processes")]
    GroupMisused { group: String },
    #[error("the name `{found}` is taken since steps[{step}]")]
    NameTaken { found: String, step: usize },
    #[error("the region name `heap` is taken: every process has one")]
    HeapTaken,
    #[error("the process name `init` is taken: the guest's first program has it")]
    InitTaken,
    #[error("`init` can do nothing but `wait`, and is out of reach of signals")]
    InitMisused,
    #[error("expected at most {most} forks in a scenario, found one more")]
    TooManyForks { most: u64 },
    #[error("expected a group that an earlier `fork_until` made, found the process `{found}`")]
    NoGroup { found: String },

    #[error("no region `{found}` in the memory of `{process}` at this step")]
    UnknownRegion {
        process: String,
        found: String,
        known: Vec<String>,
    },
    #[error("no function `{found}`")]
    UnknownFunction { found: String, known: Vec<String> },
    #[error("nothing is expected of the calls")]
    NothingOfCalls,

    #[error("page {page} is past the end of `{region}`, which has {pages} pages")]
    PagePastRegion { region: String, page: u64, pages: u64 },
    #[error("the {len_bytes} bytes at `{address}` end past the end of `{region}`, which has {pages} pages")]
    BytesPastRegion {
        region: String,
        address: String,
        len_bytes: u64,
        pages: u64,
    },
    #[error("the {count} pages from page {page} on end past the end of `{region}`, which has {pages} pages")]
    PagesPastRegion {
        region: String,
        page: u64,
        count: u64,
        pages: u64,
    },
    #[error("expected the start of a page, found `{address}`")]
    Misaligned { address: String },
    #[error("expected at least 1 page, found 0")]
    NoPages,
    #[error("expected exactly one of `pages` and `bytes`, found {found}")]
    Lengths { found: usize },
    #[error("the {len_bytes} bytes at {address:#x} may be in use")]
    RawInUse { address: u64, len_bytes: u64 },
    #[error("what `{found}` does to memory is not known")]
    EffectUnknown { found: String },
    #[error("`placement` says what `at` means, and there is none")]
    PlacementWithoutPlace,
    #[error("a call that is refused moves nothing")]
    CountRefused,
    #[error("expected at most {most} pages, all that a process can address, found {found}")]
    TooManyPages { most: u64, found: u64 },
    #[error("{found} pages are more than the {memory_pages} pages that the guest can hold")]
    MoreThanMemory { found: u64, memory_pages: u64 },
    #[error("the heap has {present} pages, and cannot shrink by {shrink}")]
    HeapTooSmall { present: u64, shrink: u64 },
    #[error("expected 1 to {most} bytes, found {found}")]
    ContentLength { most: u64, found: u64 },

    #[error("the guest image has no program `{found}`")]
    UnknownProgram { found: String, known: Vec<String> },
    #[error("`{found}` is no agent, so no later step could have it do anything")]
    NoAgent { found: String },
    #[error("a path that is not mapped names no program")]
    PathUnmapped,
    #[error("program name and arguments hold a NUL byte")]
    NulInArguments,
    #[error("program name and arguments take {found} bytes: expected at most {most}")]
    ArgumentsTooLong { most: u64, found: u64 },

    #[error("`{process}` has no call that waits")]
    NothingToFinish { process: String },
    #[error("`nohang` and `blocks` exclude each other")]
    NohangBlocks,
    #[error("the key `status` is missing")]
    StatusMissing,
    #[error("`{child}` is not a child of `{process}`")]
    NotAChild { process: String, child: String },
    #[error("`{process}` has taken the status of `{child}` before")]
    AlreadyReaped { process: String, child: String },
    #[error("`{process}` would wait forever: {children} still there")]
    WouldWait { process: String, children: String },
    #[error("`{process}` has no child left to wait for")]
    NoChild { process: String },
    #[error("`{process}` does not have to wait: `{child}` has ended in steps[{step}]")]
    WouldNotBlock {
        process: String,
        child: String,
        step: usize,
    },

    #[error("`{process}` is in its call of steps[{step}] to the end")]
    NeverFinished { process: String, step: usize },
    #[error("`{process}` would sleep on for {ticks} more ticks")]
    WouldSleep { process: String, ticks: u64 },
    #[error("`{process}` loops without end, and cannot finish")]
    SpinsForever { process: String },
    #[error("the clock is real, and gives its ticks itself")]
    TickOfRealClock,
    #[error("a process that loops would keep the processor for ever: the clock is virtual")]
    SpinWithoutTimer,
    #[error("`spin` never returns, so `blocks` can only be `true`")]
    SpinReturns,
    #[error("SIGSTOP would stop `{process}`, and no step lets a stopped process go on")]
    WouldStop { process: String },
    #[error("the parent of `{process}` at this step is `{parent}`")]
    NotTheParent { process: String, parent: String },

    #[error("there is no earlier check step to compare with")]
    NoEarlierCheck,
    #[error("`{found}` was not there at the last check step, steps[{step}]")]
    NotAtLastCheck { found: String, step: usize },
    #[error("the guest does not run in this step, so there is nothing to record")]
    NothingToTrace,
    #[error("an earlier step is recorded as `{found}`")]
    TraceTwice { found: String },
    #[error("`{address}` is within a page: expected where one begins")]
    WithinPage { address: String },
    #[error("`{found}` leaves nothing else of the page to be otherwise")]
    DiffAlone { found: String },
    #[error("`{process}` has not ended at this step")]
    NotEnded { process: String },
    #[error("no step expects `{process}` to fault")]
    NotFaulted { process: String },
}

impl CheckError {
    /// What to do about it, where that is not plain from the message.
    pub(in crate::scenario) fn help(&self) -> Option<String> {
        let text = match self {
            Self::FileStem { file_stem, .. } => {
                return Some(format!("name it `{file_stem}`, or rename the file"));
            }
            Self::UnknownProcess { found, known } => return Some(instead_of(found, "processes", known)),
            Self::UnknownRegion { found, known, .. } => return Some(instead_of(found, "regions", known)),
            Self::UnknownFunction { found, known } => return Some(instead_of(found, "functions", known)),
            Self::NothingOfCalls => "write at least one of `order`, `never` and `last`",
            Self::UnknownProgram { found, known } => return Some(instead_of(found, "programs", known)),
            Self::Empty {
                what: "the list of steps" | "the list of expectations",
            } => "write at least one, or nothing is shown",
            Self::ClauseSaysOther { .. } => {
                "a clause says the same at every step; give another clause another number"
            }
            Self::NoOperation => {
                "write a step with `in` and `do`; the first one's process is there from the start"
            }
            Self::NoDisk => "give it one: `\"guest\": { \"swap\": { \"mib\": 32 } }`",
            Self::OptionReserved { .. } => {
                "remove it: the scenario has keys of its own for what it needs of this"
            }
            Self::ProcessEnded { .. } => {
                "only `exit_status` and `faulted` can speak of a process that has ended"
            }
            Self::ProcessWaits { .. } => "let it go on with a `finish` step first",
            Self::GroupMisused { .. } => "a group can only `exit` as one, and its parent `wait` for it",
            Self::InitMisused => "have another process do it: `init` only reaps the orphans that it adopts",
            Self::NoAgent { .. } => "expect it to be refused, with `errno`, or run it as a child with `exec`",
            Self::PathUnmapped => "expect it to be refused, with `\"errno\": \"EFAULT\"`",
            Self::NeverFinished { .. } => "let it go on with a `finish` step, or end it with `kill`",
            Self::WouldSleep { .. } => "let time pass with a step such as `{ \"tick\": 3 }`",
            Self::SpinsForever { .. } => "end it with `kill`",
            Self::TickOfRealClock | Self::SpinWithoutTimer => {
                "a guest has a virtual clock, or a real one with `\"guest\": { \"clock\": \"real\" }`"
            }
            Self::PagePastRegion { pages: 0, .. } => "grow the heap with `brk` first",
            Self::PagePastRegion { .. } | Self::BytesPastRegion { .. } | Self::PagesPastRegion { .. } => {
                "pages count from 0; what lies behind a region is the kernel's choice"
            }
            Self::MoreThanMemory { .. } => {
                "expect it to be refused, with `errno` (or `fault` for the stack), or give the guest more `memory_mib`"
            }
            Self::RawInUse { .. } => {
                "no process has memory below 0x10000 and from 0x7ffffffff000 on; name other places by a region"
            }
            Self::EffectUnknown { .. } => "a call that should be refused for it has `errno`",
            Self::CountRefused => "leave out `count`, or `errno`: a call that moves some bytes succeeds",
            Self::NoPages | Self::Misaligned { .. } => "a call that should be refused for it has `errno`",
            Self::StatusMissing => "say how the child has ended, such as `\"status\": { \"exit\": 0 }`",
            Self::WouldWait { .. } => "end the child first, or say `blocks` and `finish` the call later",
            Self::NoChild { .. } | Self::NotAChild { .. } | Self::AlreadyReaped { .. } => {
                "a call that should be refused for it has `\"errno\": \"ECHILD\"`"
            }
            Self::WouldNotBlock { .. } => "leave `blocks` out",
            Self::NothingToFinish { .. } => {
                "`finish` collects a call that an earlier step started with `blocks`"
            }
            Self::NoEarlierCheck => "write a check step before what happens in between",
            Self::NotFaulted { .. } => "give the step that makes the access `\"fault\": \"SIGSEGV\"`",
            Self::OutOfRange { .. }
            | Self::OptionText { .. }
            | Self::Empty { .. }
            | Self::TooFewAddresses { .. }
            | Self::ListedTwice { .. }
            | Self::NameTaken { .. }
            | Self::HeapTaken
            | Self::Lengths { .. }
            | Self::PlacementWithoutPlace
            | Self::InitTaken
            | Self::SpinReturns
            | Self::WouldStop { .. }
            | Self::NotTheParent { .. }
            | Self::TooManyForks { .. }
            | Self::NoGroup { .. }
            | Self::TooManyPages { .. }
            | Self::HeapTooSmall { .. }
            | Self::ContentLength { .. }
            | Self::NulInArguments
            | Self::ArgumentsTooLong { .. }
            | Self::NohangBlocks
            | Self::NotAtLastCheck { .. }
            | Self::WithinPage { .. }
            | Self::NothingToTrace
            | Self::TraceTwice { .. }
            | Self::DiffAlone { .. }
            | Self::NotEnded { .. } => return None,
        };
        Some(text.to_owned())
    }
}

fn instead_of(found: &str, what: &str, known: &[String]) -> String {
    suggest::instead_of(found, what, &known.iter().map(String::as_str).collect::<Vec<_>>())
}
