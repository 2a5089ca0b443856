//! What swap wants of a disk.

use core::fmt;

/// A disk, in pages. Requests are complete when they return.
pub(crate) trait Disk: Sync {
    /// How many pages there are.
    fn pages(&self) -> u32;

    /// Reads a page.
    fn read(&self, page: u32, into: &mut [u8]) -> Result<(), DiskError>;

    /// Writes a page.
    fn write(&self, page: u32, from: &[u8]) -> Result<(), DiskError>;
}

/// The disk did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskError(pub(crate) virtio_drivers::Error);

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
