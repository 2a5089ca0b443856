//! What is at each page, in words as `/proc/PID/pagemap` has them: see [`abi::linux::pagemap`].
//!
//! Pages that are there from the start, because a driver or the kernel has put them there, are left out, as on Linux. A page is
//! mapped once if its frame has one reference beside those that its owner in the kernel holds: none for a program's own, one for
//! all others. A driver that holds more to a frame makes it seem mapped by others. Soft-dirty is never told.

use core::ops::ControlFlow;

use abi::linux::pagemap::{EXCLUSIVE, FILE, PRESENT, SLOT_SHIFT, SWAPPED, UFFD_WP};
use abi::{PAGE_SHIFT, PAGE_SIZE};

use super::super::address::PageRange;
use super::super::frames;
use super::super::page_table::Entry;
use super::AddressSpace;

/// Whether the numbers of frames and slots are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    Shown,
    Hidden,
}

impl AddressSpace {
    /// Puts a word for each page of the range, in which no more pages are than words, into words that are 0.
    pub(crate) fn pagemap(&self, range: PageRange, numbers: Numbers, words: &mut [u64]) {
        for area in self.areas.overlapping(range) {
            if let Some(part) = area
                .range
                .intersection(&range)
                .filter(|_| !area.backing.is_fixed())
            {
                let is_shared = !area.backing.is_private();
                self.page_table.for_each_entry(part, |page, entry| {
                    let index = (page.as_u64() - range.start().as_u64()) / PAGE_SIZE;
                    words[index as usize] = word(entry, is_shared, numbers);
                    ControlFlow::<()>::Continue(())
                });
            }
        }
    }
}

fn word(entry: Entry, is_shared: bool, numbers: Numbers) -> u64 {
    let shown = |number: u64| if numbers == Numbers::Shown { number } else { 0 };
    let guard = if entry.is_guarded() { UFFD_WP } else { 0 };
    if let Some(slot) = entry.slot() {
        return guard | SWAPPED | shown(u64::from(slot.as_u32()) << SLOT_SHIFT);
    }
    let frame = entry.frame();
    let is_programs_own = frames::is_programs(frame) && !is_shared;
    let (kind, owners_in_kernel) = if is_programs_own { (0, 0) } else { (FILE, 1) };
    let exclusive = if frames::references(frame) == owners_in_kernel + 1 {
        EXCLUSIVE
    } else {
        0
    };
    guard | PRESENT | kind | exclusive | shown(frame.address() >> PAGE_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::super::super::swap::SlotNumber;
    use super::*;

    #[test]
    fn a_page_on_the_disk_is_told_with_its_slot_behind_the_number_of_the_only_device() {
        let entry = Entry::swapped(SlotNumber::new(7));
        assert_eq!(word(entry, false, Numbers::Shown), SWAPPED | 7 << 5);
        assert_eq!(word(entry, false, Numbers::Hidden), SWAPPED);
    }
}
