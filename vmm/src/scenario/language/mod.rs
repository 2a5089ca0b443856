//! The words of the scenario language, as types.
//!
//! A type here is the one definition of its part of the language: it says how the JSON is spelled (serde), what an editor
//! shows for it (the doc comments, through schemars) and how a report names it (`Display`). What a single value cannot
//! know, such as whether a process exists at that step, is [`super::check`]'s.

mod address;
mod clause;
mod content;
mod describe;
mod diff;
mod document;
mod expectation;
mod functions;
mod memory;
mod name;
mod operation;
mod outcome;
mod schedule;
mod step;
mod vsock;

pub use address::{AddressError, Place, ProcessAddress, ProcessRegion, RegionAddress};
pub(crate) use clause::reported_clauses;
pub use clause::{Clause, ClauseError, ClauseId};
pub use content::{Content, ContentAt, ContentError, Fill, KernelCopy};
pub use diff::{PageChange, PageDiff};
pub use document::{Budget, Clock, GuestOptions, Scenario, Swap};
pub use expectation::{
    Access, Expectation, Layout, Loaded, ModulePages, ProcessEnding, ProcessEndingError, Since, SpteFlag,
};
pub use functions::{Calls, Functions};
pub use memory::{Advice, MapFlag, Number, Placement, Protection, Sharing};
pub use name::{FunctionName, NameError, ProcessName, RegionName, ScenarioName, TraceName};
pub use operation::{MAX_SLEEP_MS, Operation, PageState, PathArgument, STACK_BYTE};
pub(super) use outcome::OutcomeKey;
pub use outcome::{DefaultAction, Ending, Errno, Expected, Refusal, Return, Signal};
pub use schedule::{Exploration, Schedule};
pub use step::{CheckStep, DiskRequest, FailStep, OperationStep, Step, TickStep};
pub use vsock::{PortError, ServerPlace, VsockPort, Warehouse, WarehouseFault};
