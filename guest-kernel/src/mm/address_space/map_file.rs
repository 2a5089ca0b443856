//! mmap of an open file: what is behind the area is for the file's operations to say.

use super::super::address::{PageRange, VirtAddr};
use super::map::MapRequest;
use super::{AddressSpace, Backing, Growth, Protection};
use crate::errno::Errno;
use crate::fs::FileRef;

/// Whose stores to an area are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The process's own.
    Private,
    /// The file's, for all to see.
    Shared,
}

/// An area that is about to be mapped. A file's operations read what is wanted, and say what is behind it; what they say happens
/// when they have returned without an error.
#[derive(Debug)]
pub(crate) struct NewArea {
    range: PageRange,
    protection: Protection,
    sharing: Sharing,
    first_page: u64,
    backing: Option<Backing>,
}

impl NewArea {
    /// Of a file from its page `first_page` on.
    pub(crate) fn new(range: PageRange, protection: Protection, sharing: Sharing, first_page: u64) -> Self {
        Self {
            range,
            protection,
            sharing,
            first_page,
            backing: None,
        }
    }

    pub(crate) fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// The page of the file that the area begins with.
    pub(crate) fn first_page(&self) -> u64 {
        self.first_page
    }

    /// The page of the file behind the area's last.
    pub(crate) fn end_page(&self) -> u64 {
        self.first_page + self.range.pages()
    }

    /// For files of the kernel's own: the area is that from now on, and has nothing to do with the file.
    pub(crate) fn set_backing(&mut self, backing: Backing) {
        self.backing = Some(backing);
    }
}

impl AddressSpace {
    /// Maps a file at a range that [`Self::place`] chose; what was there goes. If the file refuses, it stays. EACCES for a file
    /// that is not open for what the area needs.
    pub(crate) fn map_file(&mut self, mut area: NewArea, file: &FileRef) -> Result<VirtAddr, Errno> {
        let writes_through = area.sharing == Sharing::Shared && area.protection.allows_write();
        if !file.mode().reads() || writes_through && !file.mode().writes() {
            return Err(Errno::EACCES);
        }
        file.mmap(&mut area)?;
        let backing = area.backing.take().ok_or(Errno::ENODEV)?;
        let request = MapRequest {
            bytes: area.range.bytes(),
            protection: area.protection,
            growth: Growth::Fixed,
            backing,
        };
        self.map_at(area.range, request)
    }
}
