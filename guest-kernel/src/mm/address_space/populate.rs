//! Pages that are there before anybody touches them: `MADV_POPULATE_READ` and `MADV_POPULATE_WRITE`, `MAP_POPULATE`.

use abi::PAGE_SIZE;

use super::super::address::{PageRange, VirtAddr};
use super::super::user_copy::CopyError;
use super::{Access, AddressSpace, AreaFlags, FaultError};
use crate::errno::Errno;

impl AddressSpace {
    /// Has every page of a range be there, lowest first, as if it were accessed. ENOMEM for a hole, EINVAL for an area that does not
    /// allow the access, EFAULT for a page that cannot be had; what came before stays.
    pub(super) fn populate(&mut self, range: PageRange, access: Access) -> Result<(), CopyError> {
        let mut page = range.start();
        while page < range.end() {
            let area = self.area_at(page).ok_or(Errno::ENOMEM)?;
            if area.backing.is_fixed() || !self.allows(page, access) {
                return Err(Errno::EINVAL.into());
            }
            self.fault_in(page, access, [Errno::ENOMEM, Errno::EFAULT])?;
            page = page.plus(PAGE_SIZE);
        }
        Ok(())
    }

    /// Has one page be there, as if it were accessed. The errors are for when memory runs out, and for a page that cannot be had.
    pub(super) fn fault_in(
        &mut self,
        page: VirtAddr,
        access: Access,
        [out_of_memory, unreachable]: [Errno; 2],
    ) -> Result<(), CopyError> {
        self.handle_fault(page, access).map_err(|error| match error {
            FaultError::Awaits(awaited) => CopyError::Awaits(awaited),
            FaultError::OutOfMemory => out_of_memory.into(),
            FaultError::Forbidden | FaultError::NoPage | FaultError::Unreadable(..) => unreachable.into(),
        })
    }

    /// As [`Self::populate`], for what has just been mapped there, writable where stores are the process's own and allowed. It is a wish: where a
    /// page cannot be had the rest comes later, and so do pages that are locked with their first access.
    pub(crate) fn populate_mapped(&mut self, range: PageRange) {
        let Some(area) = self.area_at(range.start()) else {
            return;
        };
        if area.flags.has(AreaFlags::LOCKED_ON_FAULT) {
            return;
        }
        let stores = area.backing.is_private() && area.protection.allows_write();
        let access = if stores { Access::Write } else { Access::Read };
        let _ = self.populate(range, access);
    }
}
