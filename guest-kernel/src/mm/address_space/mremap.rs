//! mremap: an area becomes shorter, longer, or another place's. Its pages move along with all that is known of them: frames, what was
//! written to, slots on the disk. Nobody serves faults of pages that have moved, and none of them is guarded, as on Linux for programs
//! that do not ask to be told of it.
//!
//! What a driver or a device shows stays where it was mapped, and as long.

use abi::PAGE_SIZE;
use abi::linux::mman::{MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE};

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::page_table::Entry;
use super::map::check_commitment;
use super::{AddressSpace, AreaFlags, Backing, Limits, Placement, Vma, cow, layout};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::uffd;

/// What becomes of the place that pages move away from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OldPlace {
    /// Nothing is there any more.
    Unmapped,
    /// The area stays, as if nobody had touched it (`MREMAP_DONTUNMAP`).
    Emptied,
}

/// What is wanted, with lengths in whole pages.
#[derive(Clone, Copy, Debug)]
struct Request {
    start: VirtAddr,
    old_bytes: u64,
    new_bytes: u64,
    flags: u64,
}

impl Request {
    /// EINVAL for what makes no sense whatever is mapped.
    fn new(start: VirtAddr, old_bytes: u64, new_bytes: u64, flags: u64) -> Result<Self, Errno> {
        let may_move = flags & MREMAP_MAYMOVE != 0;
        let must_move = flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) != 0;
        let is_known = flags & !(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) == 0;
        if !is_known || must_move && !may_move || !start.is_page_aligned() {
            return Err(Errno::EINVAL);
        }
        // A length that wraps when it is rounded up is none.
        let old_bytes = round_up_to_page(old_bytes).unwrap_or(0);
        let new_bytes = round_up_to_page(new_bytes).unwrap_or(0);
        let is_resized = old_bytes != new_bytes;
        if new_bytes == 0 || flags & MREMAP_DONTUNMAP != 0 && is_resized {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            start,
            old_bytes,
            new_bytes,
            flags,
        })
    }

    fn has(self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// What is there before. None past the end of the address space.
    fn old(self) -> Option<PageRange> {
        PageRange::from_length(self.start, self.old_bytes)
    }

    fn old_place(self) -> OldPlace {
        if self.has(MREMAP_DONTUNMAP) {
            OldPlace::Emptied
        } else {
            OldPlace::Unmapped
        }
    }
}

impl AddressSpace {
    /// The system call: the place of the pages afterwards. Those that are more are there at once if the area is locked. `wanted` is
    /// for callers who say where the place is to be.
    pub(crate) fn mremap(
        &mut self,
        start: VirtAddr,
        [old_bytes, new_bytes]: [u64; 2],
        flags: u64,
        wanted: VirtAddr,
        limits: Limits,
    ) -> Result<VirtAddr, Errno> {
        let request = Request::new(start, old_bytes, new_bytes, flags)?;
        let new = self.resize_or_move(request, wanted, limits)?;
        if let Some(grown) = round_up_to_page(old_bytes).filter(|&bytes| bytes < new.bytes()) {
            self.bring_in_locked(PageRange::new(new.start().plus(grown), new.end()));
        }
        Ok(new.start())
    }

    fn resize_or_move(
        &mut self,
        mut request: Request,
        wanted: VirtAddr,
        limits: Limits,
    ) -> Result<PageRange, Errno> {
        let lowest = limits.lowest;
        self.area_at(request.start).ok_or(Errno::EFAULT)?;
        if request.has(MREMAP_FIXED | MREMAP_DONTUNMAP) {
            check_wanted(request, wanted)?;
            if request.has(MREMAP_FIXED) {
                self.place(Placement::Fixed(wanted), request.new_bytes, lowest)?;
                self.unmap(wanted, request.new_bytes)?;
            }
            self.shrink(&mut request)?;
            self.check_resize(request, limits)?;
            let placement = if request.has(MREMAP_FIXED) {
                Placement::Fixed(wanted)
            } else {
                Placement::Hint(wanted)
            };
            let new = self.place(placement, request.new_bytes, lowest)?;
            return self.move_area(request, new);
        }
        self.shrink(&mut request)?;
        if request.old_bytes == request.new_bytes {
            return PageRange::from_length(request.start, request.new_bytes).ok_or(Errno::EFAULT);
        }
        self.check_resize(request, limits)?;
        if let Some(grown) = self.grow_in_place(request)? {
            return Ok(grown);
        }
        if !request.has(MREMAP_MAYMOVE) {
            return Err(Errno::ENOMEM);
        }
        let new = self.place(Placement::Hint(VirtAddr::new(0)), request.new_bytes, lowest)?;
        self.move_area(request, new)
    }

    /// Gives up what is not wanted of the old pages, holes included.
    fn shrink(&mut self, request: &mut Request) -> Result<(), Errno> {
        if let Some(surplus) = request
            .old_bytes
            .checked_sub(request.new_bytes)
            .filter(|&bytes| bytes > 0)
        {
            let kept = PageRange::from_length(request.start, request.new_bytes).ok_or(Errno::EINVAL)?;
            self.unmap(kept.end(), surplus)?;
            request.old_bytes = request.new_bytes;
        }
        Ok(())
    }

    /// Whether the old pages can be moved or become more: EFAULT where they are not in one area, or that may not grow.
    fn check_resize(&self, request: Request, limits: Limits) -> Result<(), Errno> {
        let area = self.area_at(request.start).ok_or(Errno::EFAULT)?;
        if request.old_bytes == 0 && area.backing.is_private() {
            return Err(Errno::EINVAL);
        }
        let old = request.old().filter(|old| old.end() <= area.range.end());
        old.ok_or(Errno::EFAULT)?;
        let more_bytes = request.new_bytes - request.old_bytes;
        if more_bytes > 0 && area.flags.has(AreaFlags::LOCKED) {
            self.check_lockable(more_bytes, limits)?;
        }
        let offset_bytes = request.start.as_u64() - area.range.start().as_u64();
        match &area.backing {
            Backing::Device { .. } | Backing::Lent | Backing::Driver { .. } => {
                let is_same = request.old_bytes == request.new_bytes;
                Err(if is_same { Errno::EINVAL } else { Errno::EFAULT })
            }
            Backing::File { first_page, .. } => {
                let pages = (offset_bytes / PAGE_SIZE).saturating_add(request.new_bytes / PAGE_SIZE);
                u32::try_from(pages + u64::from(*first_page)).map_err(|_| Errno::EINVAL)?;
                Ok(())
            }
            Backing::Anonymous | Backing::Object { .. } => Ok(()),
        }
    }

    /// Makes an area longer whose last pages these are, if nothing is behind it.
    fn grow_in_place(&mut self, request: Request) -> Result<Option<PageRange>, Errno> {
        let area = self.area_at(request.start).ok_or(Errno::EFAULT)?;
        let end = area.range.end();
        let grown = PageRange::from_length(request.start, request.new_bytes);
        let is_last = request
            .old()
            .is_some_and(|old| old.end() == end && !old.is_empty());
        let Some(grown) = grown.filter(|grown| is_last && grown.end() <= layout::TASK_END) else {
            return Ok(None);
        };
        let added = PageRange::new(end, grown.end());
        if !self.areas.is_free(added) {
            return Ok(None);
        }
        let more = Vma {
            range: added,
            ..area.part_from(end)
        };
        check_commitment(added, more.protection, more.flags, &more.backing)?;
        self.areas.reserve_change()?;
        self.areas.insert(more);
        self.note_change(added);
        Ok(Some(grown))
    }

    /// Puts the old pages at the start of a new range, in which nothing is.
    fn move_area(&mut self, request: Request, new: PageRange) -> Result<PageRange, Errno> {
        let old = request.old().ok_or(Errno::EFAULT)?;
        let area = self.area_at(request.start).ok_or(Errno::EFAULT)?;
        let is_watched = area.watch.is_some();
        let moved = Vma {
            range: new,
            watch: None,
            ..area.part_from(request.start)
        };
        check_commitment(new, moved.protection, moved.flags, &moved.backing)?;
        self.areas.reserve_move()?;
        self.page_table.relocate(old, new.start(), Entry::unguarded)?;
        if mutant::is(Mutant::MremapCopiesShared) && !moved.backing.is_private() {
            self.copy_pages(new);
        }
        self.areas.insert(moved);
        match request.old_place() {
            // A second view of what is shared: see `check_resize`.
            OldPlace::Unmapped if old.is_empty() => {}
            OldPlace::Unmapped => self.areas.remove(old),
            OldPlace::Emptied => {
                let unlocked = |flags: AreaFlags| flags.without(AreaFlags::LOCKINGS);
                self.areas.change(old, |area| area.flags = unlocked(area.flags));
            }
        }
        if is_watched {
            uffd::note_unmapped();
        }
        self.note_change(old);
        if !mutant::is(Mutant::ShadowMremapUntracked) {
            self.note_change(new);
        }
        Ok(new)
    }

    /// A deliberate fault: each page becomes the process's own.
    #[allow(unsafe_code, reason = "a fault that is committed on purpose")]
    fn copy_pages(&mut self, range: PageRange) {
        self.page_table.update(range, |_, entry| {
            // SAFETY: the frame is a program's, which the entry has a reference to.
            match unsafe { cow::copy_of(entry.frame()) } {
                Ok(copy) => {
                    // SAFETY: the entry held it, and has another frame from here on.
                    unsafe { super::unmap::release(entry) };
                    entry.with_frame(copy.leave())
                }
                Err(_) => entry,
            }
        });
    }
}

/// EINVAL for a place that cannot be, or that the old pages are at.
fn check_wanted(request: Request, wanted: VirtAddr) -> Result<(), Errno> {
    let task_end = layout::TASK_END.as_u64();
    let is_inside = task_end
        .checked_sub(request.new_bytes)
        .is_some_and(|last| wanted.as_u64() <= last);
    if !wanted.is_page_aligned() || !is_inside {
        return Err(Errno::EINVAL);
    }
    let old_end = request.start.as_u64().saturating_add(request.old_bytes);
    let overlaps = old_end > wanted.as_u64() && wanted.as_u64() + request.new_bytes > request.start.as_u64();
    if overlaps { Err(Errno::EINVAL) } else { Ok(()) }
}
