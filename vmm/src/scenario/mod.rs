//! From the text of a scenario file to a [`Scenario`] that can be run, or to [`ScenarioErrors`] that say what to mend.
//!
//! Three stages: [`parse`] makes a tree of the text and typed steps of the tree, [`check`] finds what does not fit
//! together, and [`language`] holds the types that both speak of. [`schema()`] describes the language to editors,
//! [`collect()`] finds scenario files, and [`with_choices`] makes one schedule of an exploration a scenario of its own.
//!
//! Nothing here starts anything: a scenario is refused before a virtual machine exists.

mod check;
mod collect;
mod draw;
mod language;
mod parse;
mod path;
mod problem;
mod replay;
mod schema;
mod suggest;

pub use collect::{CollectError, SCHEMA_FILE, collect};
pub use draw::Drawn;
pub(crate) use language::reported_clauses;
pub use language::*;
pub use problem::{Problem, ScenarioErrors};
pub use replay::with_choices;
pub use schema::schema;
pub use suggest::nearest;
