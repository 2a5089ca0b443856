//! From the text of a scenario file to a [`Scenario`] that can be run, or to [`ScenarioErrors`] that say what to mend.
//!
//! Nothing here starts anything: a scenario is refused before a virtual machine exists.

mod language;

pub use language::*;
