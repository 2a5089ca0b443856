//! What scenarios show of a specification: every clause, what it says, and which steps show it.
//!
//! [`Catalogue::of`] gathers the clauses of scenarios, or tells every contradiction among them and every number that is
//! missing; [`Catalogue::markdown`] writes them down. Nothing here runs a guest: whether a clause holds is for a
//! [`Report`](crate::report::Report) to say.

mod catalogue;
mod markdown;
mod problem;

pub use catalogue::Catalogue;
pub use problem::{ClauseProblem, Place, UnknownFamily};
