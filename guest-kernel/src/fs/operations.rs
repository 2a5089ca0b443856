//! What a file does: the one interface behind every descriptor, of the kernel's own files and of drivers'.
//!
//! A driver implements what its files can do; whatever it leaves out fails as on Linux.
//!
//! **Invariant:** `mmap` runs while the memory of the caller is being changed, as everything in
//! [`MapOperations`](crate::mm::MapOperations) does, so it asks for no process and copies nothing. All other operations run with
//! nothing held, and reach the caller's memory by [`process::copy_in`](crate::process::copy_in) and `copy_out`.

use core::fmt;

use abi::linux::poll::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};

use super::OpenFile;
use crate::errno::Errno;
use crate::mm::{CachedBytes, NewArea, UserSlice};
use crate::net::Socket;

/// What can be done with a file once a path has led to it. `file` is the open file description that it is done through.
pub(crate) trait FileOperations: fmt::Debug {
    /// The file has been opened. Refusing leaves nothing to release.
    fn open(&self, _file: &OpenFile) -> Result<(), Errno> {
        Ok(())
    }

    /// The last descriptor and the last mapping of the description are gone. Called once for each `open` that succeeded, when the
    /// process may have no memory any more.
    fn release(&self, _file: &OpenFile) {}

    /// Moves bytes to the caller, advances the position as it sees fit, and says how many.
    fn read(&self, _file: &OpenFile, _position: &mut u64, _to: UserSlice) -> Result<u64, Errno> {
        Err(Errno::EINVAL)
    }

    /// Takes bytes from the caller, advances the position as it sees fit, and says how many.
    fn write(&self, _file: &OpenFile, _position: &mut u64, _from: UserSlice) -> Result<u64, Errno> {
        Err(Errno::EINVAL)
    }

    /// Whether there are no positions in it, so that pread and pwrite make no sense.
    fn is_stream(&self) -> bool {
        false
    }

    /// Gives the new position; `seek` has the usual ways to find it. Whoever calls this makes it so.
    fn seek(&self, _file: &OpenFile, _offset: i64, _whence: u32) -> Result<u64, Errno> {
        Err(Errno::ESPIPE)
    }

    /// Does what `request` means. A request that means nothing is ENOTTY.
    fn ioctl(&self, _file: &OpenFile, _request: u32, _argument: u64) -> Result<u64, Errno> {
        Err(Errno::ENOTTY)
    }

    /// What the file is ready for: bits of [`abi::linux::poll`]. Whoever makes it ready for more says so:
    /// [`readiness::changed`](super::readiness::changed).
    fn poll(&self, _file: &OpenFile) -> u16 {
        POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM
    }

    /// Says what is behind an area that is about to be mapped.
    fn mmap(&self, _file: &OpenFile, _area: &mut NewArea) -> Result<(), Errno> {
        Err(Errno::ENODEV)
    }

    /// The socket that it is, if it is one.
    fn socket(&self) -> Option<&Socket> {
        None
    }

    /// All that is in it, when that lies in the page cache.
    fn contents(&self) -> Option<CachedBytes> {
        None
    }

    /// What stat says of it. Of what is registered under a name, its kind of name says that.
    fn status(&self) -> Status {
        Status::regular(0, 0)
    }
}

/// A file's kind and permissions, as stat has them in one number, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) mode: u32,
    pub(crate) len_bytes: u64,
    /// Number of the device that the file is; 0 if it is none.
    pub(crate) device: u32,
}

impl Status {
    pub(crate) const fn regular(permissions: u32, len_bytes: u64) -> Self {
        Self {
            mode: Self::REGULAR | permissions,
            len_bytes,
            device: 0,
        }
    }

    pub(super) const fn character_device(permissions: u32, device: u32) -> Self {
        Self {
            mode: Self::CHARACTER_DEVICE | permissions,
            len_bytes: 0,
            device,
        }
    }

    pub(crate) const fn socket() -> Self {
        Self {
            mode: Self::SOCKET | 0o777,
            len_bytes: 0,
            device: 0,
        }
    }

    const SOCKET: u32 = 0o140_000;
    const CHARACTER_DEVICE: u32 = 0o020_000;
    const REGULAR: u32 = 0o100_000;
}
