//! Files: the initrd's, and the two devices that a program can open.
//!
//! - `cpio`: the archive format
//! - `initrd`: the archive that the loader left in memory
//! - `elf`: the executable format, as far as the kernel loads it
//! - `open_files`: a process's file descriptors

mod cpio;
pub(crate) mod elf;
pub(crate) mod initrd;
mod open_files;

pub(crate) use open_files::{File, OpenFiles};
