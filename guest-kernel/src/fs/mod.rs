//! Files: the initrd's, two devices, three files about the process itself, and one about modules.
//!
//! - `cpio`: the archive format
//! - `initrd`: the archive that the loader left in memory
//! - `elf`: the executable format, as far as the kernel loads it
//! - `open_files`: a process's file descriptors
//! - `own_maps`: what `/proc/self/maps` says; `fail_nth`: what `/proc/self/fail-nth` says and takes
//! - `text`: text of files that are made when they are read

mod cpio;
pub(crate) mod elf;
pub(crate) mod fail_nth;
pub(crate) mod initrd;
mod open_files;
pub(crate) mod own_maps;
mod text;

pub(crate) use open_files::{File, OpenFile, OpenFiles};
pub(crate) use text::Text;
