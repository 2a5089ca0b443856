//! Areas that a driver is behind: it puts frames of its own there when it is mapped, or gives them with the first access.
//!
//! An area keeps the open file description that it was mapped through, and with it the driver. Each page-table entry holds a
//! reference to its frame, as everywhere: a driver that gives its memory back too early loses it to the programs that map it, until
//! they let go. A program's stores to a private area go to copies.
//!
//! A driver that counts its areas is told of each that comes and goes, so two that are alike and adjacent stay two. Linux does the
//! same.

use alloc::rc::Rc;
use core::fmt;

use abi::PAGE_SIZE;

use super::super::frames::{self, FrameRef, OutOfMemory};
use super::super::kmalloc::try_rc;
use super::{AreaRole, FaultError, Sharing};
use crate::fs::{Entry, FileRef};
use crate::log;
use crate::mutant::{self, Mutant};

/// What a driver does about the areas that show its memory.
///
/// **Invariant:** everything here runs while an address space is being changed, so it asks for no process and copies nothing from
/// or to one.
pub(crate) trait MapOperations: fmt::Debug {
    /// A reference to the frame of a page, which is counted from the start of the file.
    fn fault(&self, _page: u64) -> Result<FrameRef, FaultError> {
        Err(FaultError::NoPage)
    }

    /// There is an area more, which nobody has mapped: a child of fork has it, or an area has become two.
    fn open(&self) {}

    /// An area is gone: one that was mapped, or one that `open` has told of.
    fn close(&self) {}
}

/// Where the frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// They were there from the start.
    Fixed,
    /// The driver is asked for them.
    Faults,
}

/// What is behind one area. A clone is another area's, and both tell the driver when they go.
#[derive(Debug)]
pub(crate) struct DriverMapping(Rc<Behind>);

/// What all areas have in common that come from one mmap.
#[derive(Debug)]
struct Behind {
    file: FileRef,
    operations: Option<Rc<dyn MapOperations>>,
    sharing: Sharing,
    origin: Origin,
}

impl DriverMapping {
    /// For an area that has just been mapped. Without memory for it the area is gone, and the driver is told.
    pub(super) fn new(
        file: FileRef,
        operations: Option<Rc<dyn MapOperations>>,
        sharing: Sharing,
        origin: Origin,
    ) -> Result<Self, OutOfMemory> {
        let to_tell = operations.clone();
        let behind = try_rc(Behind {
            file,
            operations,
            sharing,
            origin,
        });
        if let (Err(_), Some(operations)) = (&behind, to_tell) {
            operations.close();
        }
        behind.map(Self)
    }

    /// The frame of a page of the file. A frame that is not the driver's would be the program's to corrupt.
    pub(super) fn fault(&self, page: u64) -> Result<FrameRef, FaultError> {
        let operations = self.0.operations.as_deref().ok_or(FaultError::NoPage)?;
        let frame = operations.fault(page)?;
        if !frames::is_drivers(frame.number()) {
            log::line(format_args!(
                "{operations:?} gives frame {:?} for its page {page}, which is no driver's",
                frame.number()
            ));
            return Err(FaultError::NoPage);
        }
        Ok(frame)
    }

    pub(super) fn is_private(&self) -> bool {
        self.0.sharing == Sharing::Private
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.0.origin == Origin::Fixed
    }

    /// Stores to a shared area are stores to the file, which must have been opened for them.
    pub(super) fn may_be_written(&self) -> bool {
        self.is_private() || self.0.file.mode().writes()
    }

    pub(super) fn role(&self, first_page: u32) -> AreaRole<'_> {
        AreaRole::Driver {
            path: self.0.file.entry().map_or([b"", b""], Entry::path),
            offset_bytes: u64::from(first_page) * PAGE_SIZE,
        }
    }
}

impl Clone for DriverMapping {
    fn clone(&self) -> Self {
        if let Some(operations) = &self.0.operations {
            operations.open();
        }
        Self(self.0.clone())
    }
}

impl Drop for DriverMapping {
    fn drop(&mut self) {
        if let Some(operations) = &self.0.operations
            && !mutant::is(Mutant::DriverAreaUncounted)
        {
            operations.close();
        }
    }
}

impl PartialEq for DriverMapping {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for DriverMapping {}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::super::super::address::{FrameNumber, PageRange, VirtAddr};
    use super::super::areas::Areas;
    use super::super::{AreaFlags, Backing, Growth, NewArea, Protection, Vma};
    use super::*;
    use crate::errno::Errno;
    use crate::fs::tests::{alone, some_file};

    /// Areas that there are, and how often one more was told of.
    #[derive(Debug, Default)]
    struct Counter {
        areas: Cell<u32>,
        opened: Cell<u32>,
    }

    impl MapOperations for Counter {
        fn open(&self) {
            self.areas.update(|areas| areas + 1);
            self.opened.update(|opened| opened + 1);
        }

        fn close(&self) {
            self.areas.update(|areas| areas - 1);
        }
    }

    fn range(first: u64, end: u64) -> PageRange {
        PageRange::new(VirtAddr::new(first * PAGE_SIZE), VirtAddr::new(end * PAGE_SIZE))
    }

    fn map(areas: &mut Areas, counter: &Rc<Counter>, file: &FileRef, first: u64, end: u64, first_page: u32) {
        counter.areas.update(|areas| areas + 1);
        let operations: Rc<dyn MapOperations> = counter.clone();
        let mapping = DriverMapping::new(file.clone(), Some(operations), Sharing::Shared, Origin::Faults);
        areas.insert(Vma {
            range: range(first, end),
            protection: Protection::READ_WRITE,
            growth: Growth::Fixed,
            flags: AreaFlags::default(),
            backing: Backing::Driver {
                mapping: mapping.unwrap(),
                first_page,
            },
            watch: None,
        });
    }

    fn first_pages(areas: &Areas) -> Vec<u32> {
        let first_page = |area: &Vma| match &area.backing {
            Backing::Driver { first_page, .. } => *first_page,
            other => panic!("{other:?} is no driver's"),
        };
        areas.iter().map(first_page).collect()
    }

    #[test]
    fn the_driver_is_told_of_every_area_that_comes_and_goes() {
        let _alone = alone();
        let (counter, file) = (Rc::new(Counter::default()), some_file());
        let mut areas = Areas::new().unwrap();
        map(&mut areas, &counter, &file, 10, 20, 0);
        areas.remove(range(12, 14));
        assert_eq!((counter.areas.get(), counter.opened.get()), (2, 2));
        assert_eq!(first_pages(&areas), [0, 4]);
        let inherited = areas.try_inherit().unwrap();
        assert_eq!(counter.areas.get(), 4);
        drop(areas);
        assert_eq!(counter.areas.get(), 2);
        drop(inherited);
        assert_eq!(counter.areas.get(), 0);
    }

    #[test]
    fn areas_that_could_be_one_stay_two_and_are_not_told_of() {
        let _alone = alone();
        let (counter, file) = (Rc::new(Counter::default()), some_file());
        let mut areas = Areas::new().unwrap();
        map(&mut areas, &counter, &file, 1, 2, 0);
        map(&mut areas, &counter, &file, 2, 3, 1);
        assert_eq!(first_pages(&areas), [0, 1]);
        assert_eq!(counter.opened.get(), 0);
    }

    #[test]
    fn pages_that_are_put_there_must_lie_in_the_area_and_be_all_of_a_private_one() {
        let first = FrameNumber::new(1);
        let new = |sharing| NewArea::new(range(1, 5), Protection::READ_WRITE, sharing, 0);
        let mut shared = new(Sharing::Shared);
        for (page, count) in [(0, 0), (0, 5), (4, 1), (u64::MAX, 1)] {
            let refused = shared.remap(page, first, count, Protection::READ);
            assert_eq!(refused, Err(Errno::EINVAL), "{count} from {page}");
        }
        let refused = new(Sharing::Private).remap(0, first, 3, Protection::READ);
        assert_eq!(refused, Err(Errno::EINVAL));
    }
}
