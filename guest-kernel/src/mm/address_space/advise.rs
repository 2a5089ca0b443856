//! madvise: pages go, come, or behave otherwise at fork; what is said of the order of accesses is remembered, because nothing is read
//! before it is asked for. Huge pages and frames with the same contents are nothing that this kernel has, so advice about them is refused
//! like advice that nobody knows, as by a Linux that is built without them.

use abi::linux::mman::{
    MADV_COLD, MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP, MADV_DONTFORK, MADV_DONTNEED, MADV_DONTNEED_LOCKED,
    MADV_FREE, MADV_KEEPONFORK, MADV_NORMAL, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
    MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_WIPEONFORK,
};

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::super::user_copy::CopyError;
use super::unmap::release_pages;
use super::{Access, AddressSpace, AreaFlags, Backing, Vma};
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advice {
    /// Pages come, as if there were that access to each.
    Populate(Access),
    /// Areas are treated so.
    Treat(Treatment),
}

/// What is done to the areas of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// Pages go, and the next access finds zeros or the object's contents. Locked ones do not.
    Discard,
    /// The same, locked or not.
    DiscardLocked,
    /// Contents may go when memory is short.
    Free,
    /// The object's contents go.
    Remove,
    /// Pages are the first to go to the disk.
    LetGoFirst,
    /// Pages go to the disk.
    PageOut,
    /// Pages come back from the disk.
    BringBack,
    /// Areas have that flag of those that tell of the order of accesses, or none.
    Order(AreaFlags),
    /// Areas have a flag.
    Set(AreaFlags),
    /// Areas do not have it.
    Clear(AreaFlags),
}

impl Advice {
    fn from_number(number: u64) -> Option<Self> {
        let treatment = match number {
            MADV_POPULATE_READ => return Some(Self::Populate(Access::Read)),
            MADV_POPULATE_WRITE => return Some(Self::Populate(Access::Write)),
            MADV_NORMAL => Treatment::Order(AreaFlags::default()),
            MADV_RANDOM => Treatment::Order(AreaFlags::RANDOM),
            MADV_SEQUENTIAL => Treatment::Order(AreaFlags::SEQUENTIAL),
            MADV_WILLNEED => Treatment::BringBack,
            MADV_DONTNEED => Treatment::Discard,
            MADV_DONTNEED_LOCKED => Treatment::DiscardLocked,
            MADV_FREE => Treatment::Free,
            MADV_REMOVE => Treatment::Remove,
            MADV_COLD => Treatment::LetGoFirst,
            MADV_PAGEOUT => Treatment::PageOut,
            MADV_DONTDUMP => Treatment::Set(AreaFlags::NOT_DUMPED),
            MADV_DODUMP => Treatment::Clear(AreaFlags::NOT_DUMPED),
            MADV_DONTFORK => Treatment::Set(AreaFlags::NOT_INHERITED),
            MADV_DOFORK => Treatment::Clear(AreaFlags::NOT_INHERITED),
            MADV_WIPEONFORK => Treatment::Set(AreaFlags::WIPED),
            MADV_KEEPONFORK => Treatment::Clear(AreaFlags::WIPED),
            _ if mutant::is(Mutant::AdviceUnknownAccepted) => Treatment::Clear(AreaFlags::default()),
            _ => return None,
        };
        Some(Self::Treat(treatment))
    }
}

impl Treatment {
    /// EINVAL for an area that Linux does not take it for, EACCES for contents that others may not change.
    fn check(self, area: &Vma) -> Result<(), Errno> {
        let is_fixed = area.backing.is_fixed();
        let is_locked = area.flags.has(AreaFlags::LOCKED);
        let is_suitable = match self {
            Self::DiscardLocked => !is_fixed,
            Self::Discard | Self::LetGoFirst | Self::PageOut => !is_fixed && !is_locked,
            Self::Free => area.backing == Backing::Anonymous && !is_locked,
            Self::Remove if is_locked => false,
            Self::Remove => match &area.backing {
                Backing::Object { .. } | Backing::File { .. } if !is_shared_and_writable(area) => {
                    return Err(Errno::EACCES);
                }
                Backing::Object { .. } => true,
                Backing::Anonymous
                | Backing::File { .. }
                | Backing::Device { .. }
                | Backing::Lent
                | Backing::Driver { .. } => false,
            },
            Self::Set(flag) if flag == AreaFlags::WIPED => area.backing == Backing::Anonymous,
            Self::Clear(flag) if [AreaFlags::NOT_INHERITED, AreaFlags::NOT_DUMPED].contains(&flag) => {
                !is_fixed
            }
            Self::BringBack | Self::Order(_) | Self::Set(_) | Self::Clear(_) => true,
        };
        is_suitable.then_some(()).ok_or(Errno::EINVAL)
    }
}

impl AddressSpace {
    /// The system call.
    pub(crate) fn advise(&mut self, start: VirtAddr, bytes: u64, advice: u64) -> Result<(), CopyError> {
        let advice = Advice::from_number(advice).ok_or(Errno::EINVAL)?;
        if !start.is_page_aligned() {
            return Err(Errno::EINVAL.into());
        }
        let bytes = round_up_to_page(bytes).ok_or(Errno::EINVAL)?;
        let range = PageRange::from_length(start, bytes).ok_or(Errno::EINVAL)?;
        match advice {
            Advice::Populate(access) => self.populate(range, access),
            Advice::Treat(treatment) => Ok(self.treat(range, treatment)?),
        }
    }

    /// Areas are treated one after the other, up to one that the treatment does not suit; holes are skipped and make the
    /// result ENOMEM, as on Linux.
    fn treat(&mut self, range: PageRange, treatment: Treatment) -> Result<(), Errno> {
        let mut end = range.start();
        let mut has_hole = false;
        while let Some((area, part)) = self.next_area_in(PageRange::new(end, range.end())) {
            has_hole |= part.start() > end;
            end = part.end();
            treatment.check(area)?;
            self.treat_part(part, treatment)?;
        }
        if has_hole || end < range.end() {
            Err(Errno::ENOMEM)
        } else {
            Ok(())
        }
    }

    /// The first area of a range, and what of it lies there.
    fn next_area_in(&self, range: PageRange) -> Option<(&Vma, PageRange)> {
        let area = self.areas.overlapping(range).next()?;
        Some((area, area.range.intersection(&range)?))
    }

    /// `part` lies in one area.
    fn treat_part(&mut self, part: PageRange, treatment: Treatment) -> Result<(), Errno> {
        match treatment {
            Treatment::Discard if mutant::is(Mutant::MadviseKeepsContents) => {}
            Treatment::Discard | Treatment::DiscardLocked => {
                release_pages(&mut self.page_table, part);
                if !mutant::is(Mutant::ShadowMadviseUntracked) {
                    shadowpt::pages_changed(&self.page_table, part);
                }
            }
            Treatment::Free => self.free_lazily(part),
            Treatment::Remove => self.remove_contents(part),
            Treatment::LetGoFirst => self.let_go_first(part),
            Treatment::PageOut => self.page_out(part),
            Treatment::BringBack => self.bring_all_back(part),
            Treatment::Order(order) => {
                let orders = AreaFlags::RANDOM.with(AreaFlags::SEQUENTIAL);
                self.change_flags(part, |flags| flags.without(orders).with(order))?;
            }
            Treatment::Set(flag) => self.change_flags(part, |flags| flags.with(flag))?,
            Treatment::Clear(flag) => self.change_flags(part, |flags| flags.without(flag))?,
        }
        Ok(())
    }

    fn change_flags(
        &mut self,
        part: PageRange,
        change: impl Fn(AreaFlags) -> AreaFlags,
    ) -> Result<(), Errno> {
        self.areas.reserve_change()?;
        self.areas.change(part, |area| area.flags = change(area.flags));
        Ok(())
    }
}

/// Stores to the area may be asked for, and are seen by all who have it.
fn is_shared_and_writable(area: &Vma) -> bool {
    !area.backing.is_private() && area.backing.may_be_written()
}
