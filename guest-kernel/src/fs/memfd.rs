//! memfd_create: a file of memory that no path leads to. It can be read, written and mapped; it goes with its last descriptor and its
//! last mapping.

use abi::PAGE_SIZE;
use abi::linux::syscall::{MFD_CLOEXEC, MFD_MAX_NAME_BYTES};

use super::operations::{FileOperations, Status};
use super::{AtExec, OpenFile, OpenMode, open_unnamed, pieces, seek};
use crate::errno::Errno;
use crate::mm::{Backing, MAX_SHARED_BYTES, NewArea, SharedObject, UserSlice};
use crate::process;

#[derive(Debug)]
struct MemoryFile {
    pages: SharedObject,
}

/// The system call. The name is for whoever looks at descriptors, which nobody can here; what cannot be one is refused. Files that
/// can be sealed, or consist of huge pages, are refused like any flag that is not known.
pub(crate) fn create(name: u64, flags: u64) -> Result<u64, Errno> {
    if flags & !MFD_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    let mut buffer = [0; MFD_MAX_NAME_BYTES + 1];
    process::with_memory(|space| space.read_string(name, &mut buffer))?.ok_or(Errno::EINVAL)?;
    let at_exec = if flags & MFD_CLOEXEC == 0 {
        AtExec::Keep
    } else {
        AtExec::Close
    };
    process::with_current(|process| process.files().check_room())?;
    let file = MemoryFile {
        pages: SharedObject::new(0)?,
    };
    let file = open_unnamed(file, OpenMode::READ_WRITE)?;
    process::with_current(|process| process.files().add(file, at_exec))
}

impl FileOperations for MemoryFile {
    fn read(&self, _: &OpenFile, position: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        pieces::read(position, to, |position, into| {
            let rest = self.pages.len_bytes().saturating_sub(position);
            let len = rest.min(into.len() as u64) as usize;
            if len > 0 {
                self.pages.read(position, &mut into[..len]);
            }
            Ok(len)
        })
    }

    fn write(&self, _: &OpenFile, position: &mut u64, from: UserSlice) -> Result<u64, Errno> {
        pieces::write(position, from, |position, bytes| {
            let end = position.saturating_add(bytes.len() as u64);
            if end > MAX_SHARED_BYTES {
                return Err(Errno::EFBIG);
            }
            self.pages.write(position, bytes)?;
            self.pages.set_len_bytes(self.pages.len_bytes().max(end));
            Ok(bytes.len())
        })
    }

    fn seek(&self, file: &OpenFile, offset: i64, whence: u32) -> Result<u64, Errno> {
        seek::in_length(file, offset, whence, self.pages.len_bytes())
    }

    fn mmap(&self, _: &OpenFile, area: &mut NewArea) -> Result<(), Errno> {
        if area.end_page() > u64::MAX / PAGE_SIZE / 2 {
            return Err(Errno::EOVERFLOW);
        }
        area.set_backing(Backing::Object {
            object: self.pages.clone(),
            first: area.first_page(),
            sharing: area.sharing(),
        });
        Ok(())
    }

    fn status(&self) -> Status {
        Status::regular(0o777, self.pages.len_bytes())
    }
}
