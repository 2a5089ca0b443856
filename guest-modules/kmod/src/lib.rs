//! What loadable modules are written with.
//!
//! A module is a crate of `guest-modules/` that names an init and an exit function with [`module!`]. This crate is all it
//! sees of the kernel, in Linux's terms and as safe as they can be: a port to Linux would write this crate anew and leave the
//! modules as they are.
//!
//! - [`module!`], [`Module`]: a module's name and functions, and how it is kept from going
//! - [`log!`]: lines in the kernel's log
//! - [`Kmalloc`], [`Vmalloc`], [`Pages`]: memory, given back when dropped; all of it is zero at first
//! - [`Memory`]: what all memory has: bytes, frames, reservations, protections
//! - [`Lock`]: data that a module's functions share; [`Mutex`]: the same, for who copies from or to programs meanwhile
//! - [`user`]: the memory of the process that called
//! - [`file`]: devices and files in `/proc` of a module's own, which programs may map
//! - [`call_guarded`]: code that was data
//! - [`Errno`]: how functions fail

#![no_std]

mod boxed;
mod errno;
pub mod file;
mod guarded;
#[doc(hidden)]
pub mod kernel;
mod lock;
pub mod log;
mod memory;
mod module;
mod mutex;
mod panic;
pub mod user;

#[doc(hidden)]
pub use abi::module::ModuleInfo as Info;
pub use errno::Errno;
pub use guarded::call_guarded;
pub use lock::{Guard, Lock};
pub use memory::{Kmalloc, Memory, Pages, Vmalloc, virt_to_phys};
#[doc(hidden)]
pub use module::info;
pub use module::{Hold, Module};
pub use mutex::{Mutex, MutexGuard};

/// Bytes of a page.
pub const PAGE_SIZE: usize = abi::PAGE_SIZE as usize;
