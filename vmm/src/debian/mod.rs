//! Packages of Debian, for what this machine does not have and may have: fetched and verified by apt ([`apt`]) from the mirrors that the
//! system uses anyway ([`mirrors`]), and unpacked into the cache, never installed.
//!
//! - [`Apt`]: fetches packages
//! - `fetch`: from whichever mirror has it, into a folder of the cache
//! - [`kernel`]: a kernel with its modules
//! - [`program`]: a program

pub(crate) mod apt;
mod fetch;
mod kernel;
mod mirrors;
mod program;
pub(crate) mod tool;

pub(crate) use apt::Apt;
pub(crate) use fetch::from_mirrors;
pub use kernel::{DebianKernel, NoKernel, kernel};
pub(crate) use mirrors::Mirror;
pub(crate) use program::program;

/// Where apt keeps the system's package sources.
const ETC: &str = "/etc/apt";
