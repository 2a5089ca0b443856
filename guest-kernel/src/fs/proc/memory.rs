//! `/proc/PID/mem`: a process's memory, by address.

use super::super::operations::{FileOperations, Status};
use super::super::{OpenFile, pieces, seek};
use crate::errno::Errno;
use crate::mm::UserSlice;
use crate::process::MemoryHandle;

#[derive(Debug)]
pub(super) struct Memory(pub(super) Result<MemoryHandle, Errno>);

impl FileOperations for Memory {
    fn open(&self, _: &OpenFile) -> Result<(), Errno> {
        self.0.map(drop)
    }

    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        let memory = self.0?;
        pieces::read(position, to, |position, into| memory.read(position, into))
    }

    fn write(&self, _: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        let memory = self.0?;
        pieces::write(position, from, |position, bytes| memory.write(position, bytes))
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_addresses(file, offset, whence)
    }

    fn status(&self) -> Status {
        Status::regular(0o600, 0)
    }
}
