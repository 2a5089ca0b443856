//! What can be done with the descriptor.

use abi::linux::poll::{POLLERR, POLLIN};
use abi::linux::userfaultfd::{
    UFFDIO_API, UFFDIO_COPY, UFFDIO_REGISTER, UFFDIO_UNREGISTER, UFFDIO_WAKE, UFFDIO_WRITEPROTECT,
    UFFDIO_ZEROPAGE,
};

use super::context::ContextId;
use super::{copy, handshake, read, register, request, wait, write_protect};
use crate::errno::Errno;
use crate::fs::{FileOperations, OpenFile, Patience, Status};
use crate::mm::UserSlice;

/// The file.
#[derive(Debug)]
pub(super) struct Userfaultfd {
    pub(super) id: ContextId,
    /// When there is no message to read.
    pub(super) patience: Patience,
}

impl FileOperations for Userfaultfd {
    /// Faults are the kernel's again, and whoever waits looks again.
    fn release(&self, _: &OpenFile) {
        self.id.get().memory.with(|space| space.unwatch_all(self.id));
        wait::wake_all(self.id);
        self.id.free();
    }

    fn read(&self, _: &OpenFile, _: &mut u64, to: UserSlice) -> Result<u64, Errno> {
        if !self.id.is_ready() {
            return Err(Errno::EINVAL);
        }
        read::read(self.id, self.patience, to)
    }

    /// Nothing moves the position, as on Linux.
    fn seek(&self, file: &OpenFile, _: i64, _: u32) -> Result<u64, Errno> {
        Ok(file.position())
    }

    fn ioctl(&self, _: &OpenFile, request: u32, argument: u64) -> Result<u64, Errno> {
        let id = self.id;
        if request != UFFDIO_API && !id.is_ready() {
            return Err(Errno::EINVAL);
        }
        match request {
            UFFDIO_API => handshake::shake_hands(id, argument)?,
            UFFDIO_REGISTER => register::register(id, argument)?,
            UFFDIO_UNREGISTER => register::unregister(id, argument)?,
            UFFDIO_WAKE => {
                let [start, bytes] = request::words(argument)?;
                wait::wake(id, request::range(start, bytes)?);
            }
            UFFDIO_COPY => copy::copy(id, argument)?,
            UFFDIO_ZEROPAGE => copy::fill_with_zeros(id, argument)?,
            UFFDIO_WRITEPROTECT => write_protect::write_protect(id, argument)?,
            _ => return Err(Errno::EINVAL),
        }
        Ok(0)
    }

    /// Who would wait in read is in error here, as on Linux: a message can be gone before it is read.
    fn poll(&self, _: &OpenFile) -> u16 {
        if !self.id.is_ready() || self.patience == Patience::Waits {
            POLLERR
        } else if wait::has_message(self.id) {
            POLLIN
        } else {
            0
        }
    }

    fn status(&self) -> Status {
        Status::regular(0o600, 0)
    }
}
