//! A file of the initrd: it can be read, and mapped as it lies there.

use super::operations::{FileOperations, Status};
use super::{OpenFile, pieces, seek};
use crate::errno::Errno;
use crate::mm::{Backing, CachedBytes, CachedFile, NewArea, UserSlice};

#[derive(Debug)]
pub(super) struct InitrdFile(pub(super) CachedBytes);

impl FileOperations for InitrdFile {
    /// The archive is read-only for everyone.
    fn open(&self, file: &OpenFile) -> Result<(), Errno> {
        if file.mode().writes() {
            Err(Errno::EACCES)
        } else {
            Ok(())
        }
    }

    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        pieces::read(position, to, |position, into| Ok(self.0.read(position, into)))
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_length(file, offset, whence, self.0.len() as u64)
    }

    /// The file's own frames. What lies behind its last byte is the next file's, and nobody's to see.
    fn mmap(&self, _: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        let file = CachedFile::of(self.0).ok_or(Errno::EINVAL)?;
        // More pages than any file has are refused by some of Linux's file systems, too.
        u32::try_from(area.end_page()).map_err(|_| Errno::EOVERFLOW)?;
        area.set_backing(Backing::File {
            file,
            first_page: area.first_page() as u32,
            sharing: area.sharing(),
        });
        Ok(())
    }

    fn contents(&self) -> Option<CachedBytes> {
        Some(self.0)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, self.0.len() as u64)
    }
}
