//! Packages of Debian, for what this machine does not have and may have: fetched and verified by apt ([`apt`]) from the mirrors that the
//! system uses anyway ([`mirrors`]), and unpacked into the cache, never installed.
//!
//! - [`Apt`]: fetches packages
//! - [`kernel`]: a kernel with its modules
//! - [`program`]: a program

pub(crate) mod apt;
mod kernel;
pub(crate) mod mirrors;
mod program;
pub(crate) mod tool;

pub(crate) use apt::Apt;
pub use kernel::{DebianKernel, NoKernel, kernel};
pub(crate) use mirrors::Mirror;
pub(crate) use program::program;

/// Where apt keeps the system's package sources.
pub(crate) const ETC: &str = "/etc/apt";
