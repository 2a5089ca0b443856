//! madvise: pages go, come, or behave otherwise at fork. What this kernel does nothing about, such as the order of accesses, it refuses
//! like advice that it does not know.

use abi::linux::mman::{
    MADV_DOFORK, MADV_DONTFORK, MADV_DONTNEED, MADV_KEEPONFORK, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
    MADV_WIPEONFORK,
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
    /// Pages go, and the next access finds zeros or the object's contents.
    Discard,
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
            MADV_DONTNEED => Treatment::Discard,
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
    /// Whether Linux takes it for such an area.
    fn suits(self, area: &Vma) -> bool {
        match self {
            Self::Discard => !area.backing.is_fixed(),
            Self::Set(flag) if flag == AreaFlags::WIPED => area.backing == Backing::Anonymous,
            Self::Clear(flag) if flag == AreaFlags::NOT_INHERITED => !area.backing.is_fixed(),
            Self::Set(_) | Self::Clear(_) => true,
        }
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

    /// Areas are treated one after the other, up to one that the treatment does not suit (EINVAL); holes are skipped and make the
    /// result ENOMEM, as on Linux.
    fn treat(&mut self, range: PageRange, treatment: Treatment) -> Result<(), Errno> {
        let mut end = range.start();
        let mut has_hole = false;
        while let Some((area, part)) = self.next_area_in(PageRange::new(end, range.end())) {
            has_hole |= part.start() > end;
            end = part.end();
            if !treatment.suits(area) {
                return Err(Errno::EINVAL);
            }
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
            Treatment::Discard => {
                release_pages(&mut self.page_table, part);
                if !mutant::is(Mutant::ShadowMadviseUntracked) {
                    shadowpt::pages_changed(&self.page_table, part);
                }
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
