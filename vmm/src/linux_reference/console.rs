//! Where standard output goes.
//!
//! A file in memory: unlike a pipe it never makes the writer wait for a reader, and all processes append at one offset,
//! as they would on a guest's console.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::process::Stdio;

use rustix::fs::{MemfdFlags, memfd_create};

use super::error::ReferenceError;

/// Most output of one tree of processes, in bytes; a process that writes more gets SIGXFSZ.
pub(super) const MAX_OUTPUT_BYTES: u64 = 1 << 20;

pub(super) struct Console {
    file: File,
}

impl Console {
    pub(super) fn new() -> Result<Self, ReferenceError> {
        let fd = memfd_create("console", MemfdFlags::CLOEXEC)
            .map_err(ReferenceError::system("make a file for the output"))?;
        Ok(Self { file: File::from(fd) })
    }

    /// The end for the processes.
    pub(super) fn stdout(&self) -> Result<Stdio, ReferenceError> {
        let file = self
            .file
            .try_clone()
            .map_err(ReferenceError::system("duplicate the output file"))?;
        Ok(Stdio::from(file))
    }

    /// All that was written so far. The file offset is the writers', so it stays where it is.
    pub(super) fn contents(&self) -> Result<Vec<u8>, ReferenceError> {
        let mut contents = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let read = self
                .file
                .read_at(&mut chunk, contents.len() as u64)
                .map_err(ReferenceError::system("read the output"))?;
            if read == 0 {
                return Ok(contents);
            }
            contents.extend(&chunk[..read]);
        }
    }
}
