//! What no kernel may let happen, whatever it runs.
//!
//! - [`kernel`]: the kernel half of an address space keeps W^X, aliases included, and keeps users out; [`KernelHalf`]: what was
//!   found of one, which holds as long as its tables stay as they are
//! - [`user`]: the user halves keep out of page tables and of the kernel's frames, and no private page has two owners of
//!   whom one may write

mod kernel;
mod user;

pub use kernel::{Alias, KernelFinding, KernelHalf, kernel};
pub use user::{Policy, UserFinding, user};
