//! madvise: `MADV_DONTNEED` is the one advice that is taken; every other is refused.

use abi::linux::mman::MADV_DONTNEED;

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::AddressSpace;
use super::unmap::release_pages;
use crate::errno::Errno;
use crate::mutant::{self, Mutant};
use crate::shadowpt;

impl AddressSpace {
    /// The system call. Pages of the areas in the range go, and the next access finds zeros or the object's contents; holes
    /// are skipped and make the result ENOMEM, as on Linux.
    pub(crate) fn advise(&mut self, start: VirtAddr, bytes: u64, advice: u64) -> Result<(), Errno> {
        if advice != MADV_DONTNEED || !start.is_page_aligned() {
            return Err(Errno::EINVAL);
        }
        let bytes = round_up_to_page(bytes).ok_or(Errno::EINVAL)?;
        let range = PageRange::from_length(start, bytes).ok_or(Errno::EINVAL)?;
        if range.is_empty() {
            return Ok(());
        }

        let mut end = range.start();
        let mut has_hole = false;
        for area in self.areas.overlapping(range) {
            has_hole |= area.range.start() > end;
            end = area.range.end();
            if area.backing.is_fixed() {
                return Err(Errno::EINVAL);
            }
            if let Some(part) = area
                .range
                .intersection(&range)
                .filter(|_| !mutant::is(Mutant::MadviseKeepsContents))
            {
                release_pages(&mut self.page_table, part);
                if !mutant::is(Mutant::ShadowMadviseUntracked) {
                    shadowpt::pages_changed(&self.page_table, part);
                }
            }
        }
        if has_hole || end < range.end() {
            Err(Errno::ENOMEM)
        } else {
            Ok(())
        }
    }
}
