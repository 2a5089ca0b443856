//! Loadable modules: relocatable objects that become a part of the running kernel, and leave it again.
//!
//! - `elf`: the object's headers, checked
//! - `layout`: which section goes where, and what may be done with it there
//! - `relocate`: the object's references get their addresses
//! - `load`, `remove`: init_module and delete_module; `call` runs a module's own functions
//! - `table`: which modules there are, and who uses them; `listing` says so in `/proc/modules`
//! - `exports`: what the kernel offers to modules, by the list in `abi::module`
//! - `error`: why a module is refused
//!
//! An object comes from a program and is believed in nothing: whatever it holds, it is loaded or refused with a line in the
//! log, and what is refused leaves nothing behind. The code in it is another matter: once it runs it is the kernel's.
//!
//! **Invariant:** a module's code is never writable and its data is never executable, from before its first instruction on.

mod call;
mod elf;
mod error;
mod exports;
mod layout;
mod listing;
mod load;
mod name;
mod relocate;
mod remove;
#[cfg(test)]
mod sample;
mod table;

pub(crate) use listing::text as listing;
pub(crate) use load::load;
pub(crate) use name::Name;
pub(crate) use remove::remove;
