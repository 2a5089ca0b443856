//! mmap of an open file: what is behind the area is for the file's operations to say.

#![allow(unsafe_code, reason = "a fault that is committed on purpose")]

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ops::Range;

use abi::PAGE_SIZE;

use super::super::address::{FrameNumber, PageRange, VirtAddr};
use super::super::frames::{self, FrameRef};
use super::super::page_table::Entry;
use super::driver::{DriverMapping, MapOperations, Origin};
use super::map::MapRequest;
use super::{AddressSpace, AreaFlags, Backing, Growth, Protection};
use crate::errno::Errno;
use crate::fs::FileRef;
use crate::mutant::{self, Mutant};

/// Whose stores to an area are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The process's own.
    Private,
    /// The file's, for all to see.
    Shared,
}

/// An area that is about to be mapped. A file's operations read what is wanted, and say what is behind it; what they say happens
/// when they have returned without an error. If they say nothing, every access ends in SIGBUS.
#[derive(Debug)]
pub(crate) struct NewArea {
    range: PageRange,
    protection: Protection,
    flags: AreaFlags,
    sharing: Sharing,
    first_page: u64,
    backing: Option<Backing>,
    fixed: Vec<FixedPage>,
    /// No page from here on is among them.
    fixed_end: u64,
    operations: Option<Rc<dyn MapOperations>>,
}

/// A page that is there from the start.
#[derive(Debug)]
struct FixedPage {
    /// Counted from the start of the area.
    page: u64,
    frame: FrameRef,
    protection: Protection,
}

impl NewArea {
    /// Of a file from its page `first_page` on.
    pub(crate) fn new(range: PageRange, protection: Protection, sharing: Sharing, first_page: u64) -> Self {
        Self {
            range,
            protection,
            flags: AreaFlags::default(),
            sharing,
            first_page,
            backing: None,
            fixed: Vec::new(),
            fixed_end: 0,
            operations: None,
        }
    }

    pub(crate) fn with_flags(self, flags: AreaFlags) -> Self {
        Self { flags, ..self }
    }

    pub(crate) fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// What the program may do with it.
    pub(crate) fn protection(&self) -> Protection {
        self.protection
    }

    pub(crate) fn pages(&self) -> u64 {
        self.range.pages()
    }

    /// The page of the file that the area begins with.
    pub(crate) fn first_page(&self) -> u64 {
        self.first_page
    }

    /// The page of the file behind the area's last.
    pub(crate) fn end_page(&self) -> u64 {
        self.first_page + self.pages()
    }

    /// Has frames in a row be there from the start, from a page of the area on, with no more than that protection until a store
    /// asks for the area's. What Linux's `remap_pfn_range` does.
    ///
    /// EINVAL for pages that are not in the area, or there already; for frames that are no driver's; and for less than the whole of
    /// a private area, as on Linux.
    pub(crate) fn remap(
        &mut self,
        page: u64,
        first: FrameNumber,
        count: u32,
        protection: Protection,
    ) -> Result<(), Errno> {
        let end = page.checked_add(count.into()).ok_or(Errno::EINVAL)?;
        let is_whole = page == 0 && end == self.pages();
        let is_inside = count > 0 && end <= self.pages();
        if !is_inside || self.sharing == Sharing::Private && !is_whole || self.has_fixed(page..end) {
            return Err(Errno::EINVAL);
        }
        let frames = (0..count).map(|index| first.checked_plus(index));
        if !frames.clone().all(|frame| frame.is_some_and(frames::is_drivers)) {
            return Err(Errno::EINVAL);
        }
        self.fixed
            .try_reserve(count as usize)
            .map_err(|_| Errno::ENOMEM)?;
        self.fixed_end = self.fixed_end.max(end);
        let pages = (page..end).zip(frames.flatten());
        self.fixed.extend(pages.map(|(page, frame)| FixedPage {
            page,
            frame: if mutant::is(Mutant::RemapForgetsReference) {
                // SAFETY: none; this is the fault.
                unsafe { FrameRef::adopt(frame) }
            } else {
                FrameRef::retain(frame)
            },
            protection: protection.and(self.protection),
        }));
        Ok(())
    }

    /// Has the driver be asked for pages that are not there, and told of areas that come and go.
    pub(crate) fn set_operations(&mut self, operations: Rc<dyn MapOperations>) {
        self.operations = Some(operations);
    }

    /// For files of the kernel's own: the area is that from now on, and has nothing to do with the file.
    pub(crate) fn set_backing(&mut self, backing: Backing) {
        self.backing = Some(backing);
    }

    /// Most drivers go upwards, and then there is nothing to look for.
    fn has_fixed(&self, pages: Range<u64>) -> bool {
        pages.start < self.fixed_end && self.fixed.iter().any(|fixed| pages.contains(&fixed.page))
    }
}

impl AddressSpace {
    /// Maps a file at a range that [`Self::place`] chose; what was there goes. If the file refuses, it stays. EACCES for a file
    /// that is not open for what the area needs, EOVERFLOW for pages of a driver's file from the 2^32nd on.
    pub(crate) fn map_file(&mut self, mut area: NewArea, file: &FileRef) -> Result<VirtAddr, Errno> {
        let writes_through = area.sharing == Sharing::Shared && area.protection.allows_write();
        if !file.mode().reads() || writes_through && !file.mode().writes() {
            return Err(Errno::EACCES);
        }
        file.mmap(&mut area)?;
        let end_page = area.end_page();
        let NewArea {
            range,
            protection,
            flags,
            sharing,
            first_page,
            backing,
            fixed,
            operations,
            fixed_end: _,
        } = area;
        let origin = if fixed.is_empty() {
            Origin::Faults
        } else {
            Origin::Fixed
        };
        let backing = match backing {
            Some(backing) => backing,
            None => {
                // From here on the mapping tells the driver when it goes.
                let mapping = DriverMapping::new(file.clone(), operations, sharing, origin)?;
                u32::try_from(end_page).map_err(|_| Errno::EOVERFLOW)?;
                Backing::Driver {
                    mapping,
                    first_page: first_page as u32,
                }
            }
        };
        let request = MapRequest {
            bytes: range.bytes(),
            protection,
            growth: Growth::Fixed,
            flags,
            backing,
        };
        let pages = fixed.into_iter().map(|fixed| {
            let entry = Entry::user(fixed.frame.leave(), fixed.protection);
            let entry = match sharing {
                Sharing::Private => entry.read_only(),
                Sharing::Shared => entry,
            };
            (range.start().plus(fixed.page * PAGE_SIZE), entry)
        });
        self.map_with_pages(range, request, pages)
    }
}
