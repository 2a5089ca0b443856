//! The system calls, by subject, with Linux's meaning.
//!
//! Numbers and flags are those of [`abi::linux`] and pass through unchanged: programs here are as often after the refusal
//! of a bad argument as after the effect of a good one.

pub mod credentials;
mod errno;
pub mod file;
pub mod futex;
pub mod group;
pub mod handler;
pub mod memory;
pub mod module;
pub mod poll;
pub mod process;
mod raw;
pub mod shadowpt;
pub mod signal;
pub mod socket;
pub mod thread;
pub mod time;
pub mod timer;

pub use errno::{Errno, Outcome, as_it_should_be, from_raw, to_raw};
pub use raw::by_number;
