//! Files: the initrd's, devices, and `/proc`.
//!
//! ```text
//!   descriptor ──┐
//!   descriptor ──┼──> OpenFile ──> FileOperations        <── registry: /dev/NAME, /proc/NAME
//!   mapping ─────┘    position        one for each kind of file, or a driver's
//! ```
//!
//! - `operations`: what a file does: the interface that drivers implement; `pieces`, `seek`, `text` help them
//! - `open_file`: open file descriptions, shared by descriptors and mappings; `open_files`: a process's descriptors
//! - `readiness`: waiting until a file is ready
//! - `open`: from a path to a description
//! - `registry`: names of drivers; `devices` (character devices), `proc` (and files about processes)
//! - `initrd`: the archive that the loader left in memory, in the format `cpio`; `initrd_file`: one of its files
//! - `memfd`: files of memory that no path leads to
//! - `elf`: the executable format, as far as the kernel loads it

mod cpio;
mod devices;
pub(crate) mod elf;
pub(crate) mod initrd;
mod initrd_file;
pub(crate) mod memfd;
mod open;
mod open_file;
mod open_files;
mod operations;
mod patience;
pub(crate) mod pieces;
mod proc;
pub(crate) mod readiness;
mod registry;
pub(crate) mod seek;
mod text;

pub(crate) use devices::{init as init_devices, open_console, register_chrdev, unregister_chrdev};
pub(crate) use open::{find, link, open, open_unnamed};
pub(crate) use open_file::{FileRef, Node, OpenFile, OpenMode, release_ended};
pub(crate) use open_files::{AtExec, OpenFiles};
pub(crate) use operations::{FileOperations, Status};
pub(crate) use patience::Patience;
pub(crate) use proc::{proc_create, remove_proc_entry};
pub(crate) use registry::Entry;
pub(crate) use text::Text;

#[cfg(test)]
pub(crate) use open_file::tests;
