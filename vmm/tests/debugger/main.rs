//! gdb at a run: what it sees of the kernel and of the scenario, that the run comes to the same verdict, and what is refused.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes helpers of integration tests for library code"
)]

mod gdb;
mod protocol;
mod refusals;
mod run;
