//! brk: the area that begins after the program's own and ends at the break.

use abi::PAGE_SIZE;

use super::super::address::{PageRange, VirtAddr, round_up_to_page};
use super::map::check_commitment;
use super::{AddressSpace, AreaFlags, Backing, Growth, Limits, Protection, Vma, layout};
use crate::mutant::{self, Mutant};

/// From `start` to `end`, which need not end a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heap {
    start: VirtAddr,
    end: VirtAddr,
}

impl Default for Heap {
    fn default() -> Self {
        Self {
            start: VirtAddr::new(0),
            end: VirtAddr::new(0),
        }
    }
}

impl Heap {
    /// A heap that begins there, and has nothing.
    pub(super) fn emptied(self) -> Self {
        Self {
            end: self.start,
            ..self
        }
    }

    /// Whether a part of the heap lies in the range.
    pub(super) fn touches(&self, range: PageRange) -> bool {
        self.start < range.end() && range.start() < self.end
    }
}

impl AddressSpace {
    /// Says where the heap begins: an empty one.
    pub(crate) fn set_heap_start(&mut self, start: VirtAddr) {
        self.heap = Heap { start, end: start };
    }

    /// The system call: moves the break if that is possible, and says where it is then.
    pub(crate) fn set_break(&mut self, wanted: VirtAddr, limits: Limits) -> VirtAddr {
        if wanted >= self.heap.start && self.try_set_break(wanted, limits).is_some() {
            self.heap.end = wanted;
        }
        self.heap.end
    }

    fn try_set_break(&mut self, wanted: VirtAddr, limits: Limits) -> Option<()> {
        let old_end = VirtAddr::new(round_up_to_page(self.heap.end.as_u64())?);
        let new_end = VirtAddr::new(round_up_to_page(wanted.as_u64())?);
        if new_end <= old_end {
            let released = PageRange::new(new_end, old_end);
            if !released.is_empty() && !mutant::is(Mutant::BrkShrinkKeepsPage) {
                self.unmap_range(released).ok()?;
                if !mutant::is(Mutant::ShadowBrkShrinkUntracked) {
                    self.note_change(released);
                }
            }
            return Some(());
        }
        let added = PageRange::new(old_end, new_end);
        let room_end = new_end.as_u64().checked_add(PAGE_SIZE)?;
        let next = self.areas.at_or_above(old_end);
        let limit = next.map_or(layout::TASK_END, Vma::start_with_gap);
        if room_end > limit.as_u64() {
            return None;
        }
        let flags = self.locking_of_new(None);
        if flags.has(AreaFlags::LOCKED) {
            self.check_lockable(added.bytes(), limits).ok()?;
        }
        check_commitment(added, Protection::READ_WRITE, flags, &Backing::Anonymous).ok()?;
        self.areas.reserve_change().ok()?;
        self.areas.insert(Vma {
            range: added,
            protection: Protection::READ_WRITE,
            growth: Growth::Fixed,
            flags,
            backing: Backing::Anonymous,
            watch: None,
        });
        self.note_change(added);
        if flags.has(AreaFlags::LOCKED) {
            self.populate_mapped(added);
        }
        Some(())
    }
}
