//! This Linux as the reference: agents, the driver of scenarios, and the guest's programs, all as ordinary processes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agent;
mod agents;
mod driver;
mod image;
mod net;
mod programs;
#[path = "../support/shipped.rs"]
mod shipped;
