//! A file of the initrd: it can be read, and mapped privately as it lies there.

use abi::PAGE_SIZE;

use super::operations::{FileOperations, Status};
use super::{OpenFile, initrd, pieces, seek};
use crate::errno::Errno;
use crate::mm::{Backing, CachedBytes, NewArea, Sharing, UserSlice};

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

    /// The file's own frames, privately: as far as whole pages of the file go, because what follows them is the next file's.
    fn mmap(&self, _: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        if area.sharing() != Sharing::Private {
            return Err(Errno::ENODEV);
        }
        let whole_pages = self.0.len() as u64 / PAGE_SIZE;
        let first = initrd::page_aligned_address(self.0).filter(|_| area.end_page() <= whole_pages);
        let first = first.ok_or(Errno::EINVAL)?.plus(area.first_page() * PAGE_SIZE);
        area.set_backing(Backing::File { first });
        Ok(())
    }

    fn contents(&self) -> Option<CachedBytes> {
        Some(self.0)
    }

    fn status(&self) -> Status {
        Status::regular(0o444, self.0.len() as u64)
    }
}
