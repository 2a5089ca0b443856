//! Steps on the shadow page table. Whether a call fits the moment is for the guest to say; here it is about names and places.

use abi::PAGE_SIZE;

use super::CheckError;
use super::operations::StepCheck;
use crate::scenario::language::{Expected, ProcessAddress, ProcessName, RegionAddress};

impl StepCheck<'_> {
    pub(super) fn shadowpt_open(
        &mut self,
        of: &ProcessName,
        from: &RegionAddress,
        to: &RegionAddress,
        entries: &RegionAddress,
    ) {
        let process = &self.step.process;
        let named = self.world.named(of).map(drop);
        if self.keep("of", named).is_none() {
            return;
        }
        let here = self
            .world
            .single(process)
            .and_then(|inspector| inspector.holds(process, entries, 1));
        self.keep("entries", here);
        for (key, place) in [("from", from), ("to", to)] {
            let inside = self.up_to_end(of, place);
            self.keep(key, inside);
        }
        if self.step.expected == Expected::Success {
            for (key, place) in [("from", from), ("to", to), ("entries", entries)] {
                let aligned = if place.bytes.is_multiple_of(PAGE_SIZE) {
                    Ok(())
                } else {
                    Err(CheckError::Misaligned {
                        address: place.to_string(),
                    })
                };
                self.keep(key, aligned);
            }
        }
    }

    pub(super) fn shadowpt_page_contents(&mut self, of: &ProcessAddress, into: &RegionAddress) {
        let process = &self.step.process;
        let there = self
            .world
            .single(&of.process)
            .and_then(|owner| owner.holds(&of.process, &of.place, 1));
        self.keep("of", there);
        let len_bytes = if self.step.expected == Expected::Success {
            PAGE_SIZE
        } else {
            1
        };
        let here = self
            .world
            .single(process)
            .and_then(|caller| caller.holds(process, into, len_bytes));
        self.keep("into", here);
    }

    /// Whether a place is in its region, or right behind it.
    fn up_to_end(&self, process: &ProcessName, place: &RegionAddress) -> Result<(), CheckError> {
        let pages = self.world.named(process)?.region(process, &place.region)?.pages;
        let offset_bytes = place.offset_bytes().unwrap_or(u64::MAX);
        if offset_bytes <= pages.saturating_mul(PAGE_SIZE) {
            Ok(())
        } else {
            Err(CheckError::PagePastRegion {
                region: place.region.to_string(),
                page: offset_bytes / PAGE_SIZE,
                pages,
            })
        }
    }
}
