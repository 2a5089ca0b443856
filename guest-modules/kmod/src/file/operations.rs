//! What a module implements for a file of its own.

use super::Area;
use crate::Errno;

/// What can be done with a file. Whatever is left out fails as on Linux.
///
/// `mmap`, and all of a [`FaultHandler`], run while the caller's memory is being changed: they copy nothing from or to it.
pub trait FileOperations: Send + Sync + 'static {
    /// What the module keeps for an open file, from `open` to `release`. Forks and mappings share it.
    type Open: Send + Sync + 'static;

    /// A program has opened it.
    fn open(&self) -> Result<Self::Open, Errno>;

    /// Nobody has it open or mapped any more.
    fn release(&self, open: Self::Open) {
        drop(open);
    }

    /// Moves at most so many bytes to the program at the address, advances the position, and says how many.
    fn read(&self, _open: &Self::Open, _position: &mut u64, _to: u64, _bytes: usize) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Takes at most so many bytes from the program at the address, advances the position, and says how many.
    fn write(
        &self,
        _open: &Self::Open,
        _position: &mut u64,
        _from: u64,
        _bytes: usize,
    ) -> Result<usize, Errno> {
        Err(Errno::EINVAL)
    }

    /// Does what the request means.
    fn ioctl(&self, _open: &Self::Open, _request: u32, _argument: u64) -> Result<i32, Errno> {
        Err(Errno::ENOTTY)
    }

    /// Says what is behind an area that is about to be mapped.
    fn mmap(&self, _open: &Self::Open, _area: &mut Area<'_, Self>) -> Result<(), Errno>
    where
        Self: Sized,
    {
        Err(Errno::ENODEV)
    }
}

/// What is asked about the areas of a file that have [`Area::use_faults`].
pub trait FaultHandler: FileOperations {
    /// The number of the frame behind a page of the file. The kernel takes a reference of its own (`get_page`). An error ends the
    /// program by SIGBUS.
    fn fault(&self, open: &Self::Open, page: u64) -> Result<u64, Errno>;

    /// There is an area more, which nobody has mapped: a child of fork has it, or an area has become two.
    fn vm_open(&self, _open: &Self::Open) {}

    /// An area is gone.
    fn vm_close(&self, _open: &Self::Open) {}
}
